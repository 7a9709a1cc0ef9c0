// Microsoft's own validator of inbound Bot Connector tokens (botframework-connector)
// as an oracle: POST {authorization, activity} -> 200 {accepted, message}.
// Environment: APPID, METADATA (URL of the OpenID document), ISSUER.
// Prints "listening <port>" when ready.
import http from 'node:http';
import bf from 'botframework-connector';

const { APPID, METADATA, ISSUER = 'https://api.botframework.com', PORT = '0' } = process.env;
console.error = () => {}; // the library prints whole keys on every refusal

// allowChannelAuthTenant and the emulator addresses are what a public bot uses,
// except that both metadata documents are the test's.
const credentials = new bf.PasswordServiceClientCredentialFactory(APPID, 'unused');
const auth = bf.BotFrameworkAuthenticationFactory.create(
  '', true, 'https://login.microsoftonline.com/botframework.com', ISSUER, ISSUER, ISSUER,
  METADATA, METADATA, '', credentials, new bf.AuthenticationConfiguration([]), undefined, {});

async function judge(body) {
  const { authorization, activity } = JSON.parse(body);
  try {
    await auth.authenticateRequest(activity, authorization);
    return { accepted: true, message: '' };
  } catch (e) {
    return { accepted: false, message: String(e.message) };
  }
}

const server = http.createServer((req, res) => {
  const parts = [];
  req.on('data', (c) => parts.push(c));
  req.on('end', async () => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(await judge(Buffer.concat(parts).toString())));
  });
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening ${server.address().port}`));
