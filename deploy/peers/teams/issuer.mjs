// A stand-in for Microsoft's token service in front of the bot, so that the bot
// keeps its authentication on in tests: serves the OpenID document, the keys
// (with endorsements) and /token for the bot's own token; every other request is
// given a signed token and forwarded to the bot.
// Environment: APPID, BOT (URL of /api/messages), PORT, ENDORSE (default msteams).
// Prints "listening <port>" when ready. POST /rotate makes a new signing key.
import http from 'node:http';
import crypto from 'node:crypto';
import jwt from 'jsonwebtoken';

const { APPID, BOT, PORT = '0', ENDORSE = 'msteams' } = process.env;
const issuer = 'https://api.botframework.com';
let key;
let keys = 0;
rotate();

function rotate() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = `k${++keys}`;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', endorsements: ENDORSE.split(',') };
  key = { privateKey, kid, jwk };
}

const now = () => Math.floor(Date.now() / 1000);
const sign = (claims) => jwt.sign(claims, key.privateKey, { algorithm: 'RS256', keyid: key.kid, noTimestamp: true });

function forward(req, res, body) {
  let activity = {};
  try { activity = JSON.parse(body); } catch { /* forwarded as it is */ }
  const target = new URL(BOT);
  const headers = { ...req.headers, host: target.host };
  if (req.method === 'POST') {
    headers.authorization = `Bearer ${sign({ serviceurl: activity.serviceUrl, nbf: now() - 300, exp: now() + 3600, iss: issuer, aud: APPID })}`;
  }
  const out = http.request({ method: req.method, hostname: target.hostname, port: target.port, path: target.pathname, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  out.on('error', () => { res.writeHead(502); res.end(); });
  out.end(body);
}

const server = http.createServer((req, res) => {
  const parts = [];
  req.on('data', (c) => parts.push(c));
  req.on('end', () => {
    const json = (o) => { res.writeHead(200, { 'content-type': 'application/json' }); res.end(JSON.stringify(o)); };
    const base = `http://127.0.0.1:${server.address().port}`;
    const path = new URL(req.url, base).pathname;
    if (path.endsWith('/openidconfiguration')) return json({ issuer, jwks_uri: `${base}/v1/.well-known/keys`, id_token_signing_alg_values_supported: ['RS256'] });
    if (path.endsWith('/keys')) return json({ keys: [key.jwk] });
    if (path.endsWith('/token')) return json({ token_type: 'Bearer', expires_in: 3600, access_token: sign({ aud: 'https://api.botframework.com', appid: APPID, exp: now() + 3600 }) });
    if (path === '/rotate') { rotate(); return json({ kid: key.kid }); }
    return forward(req, res, Buffer.concat(parts));
  });
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening ${server.address().port}`));
