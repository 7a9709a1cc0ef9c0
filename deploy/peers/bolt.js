// Bolt for JavaScript, Slack's own receiver, as an oracle: the same signed bytes
// go to it and to neobot, and the answers are compared (adapters/slack).
// Environment: SECRET. Prints "listening http://127.0.0.1:<port>", and one line
// "handled <what>" for each delivery that reaches a handler.
'use strict';
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');

const receiver = new HTTPReceiver({
  signingSecret: process.env.SECRET,
  endpoints: ['/slack/events', '/slack/interactions', '/slack/commands'],
  logLevel: LogLevel.ERROR,
});
const app = new App({
  receiver,
  token: 'xoxb-x',
  tokenVerificationEnabled: false,
  botId: 'B0BOT',
  botUserId: 'UBOT',
  logLevel: LogLevel.ERROR,
});
const handled = (what) => console.log(`handled ${what}`);

app.event('app_mention', async () => handled('app_mention'));
app.action(/^neobot:approve:/, async ({ ack }) => { await ack(); handled('action'); });
app.command('/neo', async ({ ack }) => { await ack(); handled('command'); });
app.view('neobot:form', async ({ ack, view }) => {
  const value = view.state.values.reason?.reason?.value;
  if (!value) return ack({ response_action: 'errors', errors: { reason: 'Please fill this in.' } });
  await ack({ response_action: 'clear' });
  handled('view');
});
app.error(async () => {});

(async () => {
  const server = await app.start({ port: 0, host: '127.0.0.1' });
  console.log(`listening http://127.0.0.1:${server.address().port}`);
})();
