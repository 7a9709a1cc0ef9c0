// Draws the golden cards of package cards and of every intent, and checks them in
// the official Adaptive Card renderer. "npm run render-check" only checks; "npm run
// pictures" also writes docs/cards/<name>.png and docs/cards/intents/<name>.png,
// Slack left, Teams right, 360 px wide each like a phone. Slack publishes no renderer: slackpreview.js is our own sketch of
// how Block Kit looks, and says so on the picture.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');
const { renderSlack, slackCss } = require('./slackpreview.js');

const root = path.join(__dirname, '..', '..');
// The cards of the renderers, and those of the intents: there are many, so their
// pictures are small.
const sets = [
  { golden: path.join(root, 'cards', 'testdata'), pictures: path.join(root, 'docs', 'cards'), scale: 1.5 },
  { golden: path.join(root, 'intents', 'testdata', 'cards'), pictures: path.join(root, 'docs', 'cards', 'intents'), scale: 0.8 },
];
const browserPath = process.env.CHROMIUM || '/usr/bin/chromium';
const tallest = 1600; // of a picture, in px: the rest of a long list shows nothing new
const checkOnly = process.argv.includes('--check');

const bundle = require.resolve('adaptivecards/dist/adaptivecards.js');
const hostConfig = JSON.parse(fs.readFileSync(path.join(__dirname, 'teams-host-config.json'), 'utf8'));

// inPage parses, validates and draws one card, then presses every button and
// returns what the host would have been told. It runs inside the browser.
function inPage({ card, hostConfig }) {
  const AC = AdaptiveCards;
  // The renderer has no Markdown inside; Teams has. Links are all we use beside bold.
  AC.AdaptiveCard.onProcessMarkdown = (text, result) => {
    const esc = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    result.outputHtml = esc
      .replace(/\[([^\]]*)\]\((https:[^)\s]+)\)/g, '<a href="$2">$1</a>')
      .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>');
    result.didProcess = true;
  };
  const out = { faults: [], clicks: [], links: [] };
  const c = new AC.AdaptiveCard();
  c.hostConfig = new AC.HostConfig(hostConfig);
  c.onExecuteAction = (a) => out.clicks.push({ type: a.getJsonTypeName(), title: a.title, verb: a.verb, data: a.data });
  const context = new AC.SerializationContext(AC.Versions.v1_5);
  c.parse(card, context);
  // Charts are Teams' own: this renderer must show the text they fall back to.
  const ownChart = /^Unknown element type "Chart\.[A-Za-z.]+"\. Fallback will be used if present\.$/;
  for (let i = 0; i < context.eventCount; i++) {
    const { message } = context.getEventAt(i);
    if (!ownChart.test(message)) out.faults.push(message);
  }
  for (const f of c.validateProperties().validationEvents) out.faults.push(f.message);
  const el = c.render();
  document.getElementById('teams').replaceChildren(el);
  for (const input of c.getAllInputs()) if (!input.value && input.isRequired) input.renderedInputControlElement.value = 'filled in';
  for (const b of el.querySelectorAll('button.ac-pushButton')) b.click();
  const plain = (s) => s.replace(/\s+/g, ' ').trim();
  for (const chart of (card.body || []).filter((e) => /^Chart\./.test(e.type))) {
    const text = plain(chart.fallback.items[0].inlines.map((r) => r.text).join(''));
    if (!text || !plain(el.innerText).includes(text)) out.faults.push(`the text of chart "${chart.title}" is not shown`);
  }
  for (const a of el.querySelectorAll('a[href]')) out.links.push(a.getAttribute('href'));
  // Teams itself breaks words that do not fit, such as an address; this renderer does not.
  const longest = Math.max(0, ...el.innerText.split(/\s+/).map((w) => w.length));
  if (el.scrollWidth > el.clientWidth + 1 && longest < 45) out.faults.push(`wider than ${el.clientWidth} px: ${el.scrollWidth}`);
  return out;
}

// tidy removes what the check has typed, adds the title bar of a dialog, and
// waits until every glyph is there.
async function tidy(title) {
  for (const e of document.querySelectorAll('#teams .ac-input')) {
    if (e.value === 'filled in') e.value = '';
    e.blur();
  }
  if (title) {
    const bar = document.createElement('div');
    bar.className = 'modalhead';
    bar.innerHTML = '<b></b>';
    bar.firstChild.textContent = title;
    document.getElementById('teams').prepend(bar);
  }
  const text = document.body.innerText;
  for (const f of ['400 15px Lato', '700 15px Lato', '900 15px Lato']) await document.fonts.load(f, text);
  await document.fonts.ready;
}

// expected lists the actions written in the card, in order.
function expected(node, found = []) {
  if (Array.isArray(node)) node.forEach((n) => expected(n, found));
  else if (node && typeof node === 'object') {
    if (/^Action\./.test(node.type || '')) found.push({ type: node.type, title: node.title, verb: node.verb, data: node.data });
    else for (const [k, v] of Object.entries(node)) if (k !== 'data') expected(v, found);
  }
  return found;
}

// compare checks that each button told the host its verb and data. The data of a
// dialog also holds the inputs, which are under names of their own ("in.…").
function compare(card, clicks) {
  const faults = [];
  const want = expected(card);
  if (want.length !== clicks.length) faults.push(`${want.length} actions in the card, ${clicks.length} clicks seen`);
  want.forEach((w, i) => {
    const got = clicks[i];
    if (!got) return;
    const plain = Object.fromEntries(Object.entries(got.data || {}).filter(([k]) => !k.startsWith('in.')));
    if (got.type !== w.type || got.verb !== w.verb || JSON.stringify(plain) !== JSON.stringify(w.data)) {
      faults.push(`button "${w.title}" gave ${JSON.stringify(got)}`);
    }
  });
  return faults;
}

const fonts = (name) => 'file://' + path.join(path.dirname(require.resolve(`@fontsource/${name}/package.json`)));
const page0 = `<!doctype html><meta charset=utf-8>
<link rel=stylesheet href="${fonts('lato')}/400.css">
<link rel=stylesheet href="${fonts('lato')}/700.css"><link rel=stylesheet href="${fonts('lato')}/900.css"><style>
body{margin:0;background:#e9eaee;font:15px/1.4 Lato,"DejaVu Sans","Noto Color Emoji",sans-serif}
#all{display:flex;gap:16px;padding:12px;width:752px;align-items:flex-start}
.side{width:360px}.tag{font-size:11px;color:#555;padding:0 2px 4px}
#slack,#teams{box-sizing:border-box;width:360px;background:#fff;border-radius:8px;overflow:hidden}
#teams{font-family:"Liberation Sans","Noto Color Emoji",sans-serif;border:1px solid #d8d8de}
#teams .ac-adaptiveCard{padding:12px!important}
#teams .ac-pushButton{font:600 13px/1.2 "Liberation Sans","Noto Color Emoji",sans-serif;padding:7px 11px;border:1px solid #c7c7cf;border-radius:4px;background:#fff;color:#242424;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
#teams .style-positive{background:#5b5fc7;border-color:#5b5fc7;color:#fff}
#teams .style-destructive{color:#c4314b;border-color:#c4314b}
#teams .ac-input{width:100%;box-sizing:border-box;font:14px "Liberation Sans",sans-serif;padding:6px;border:1px solid #c7c7cf;border-radius:4px;background:#f5f5f7}
#teams textarea.ac-input{min-height:84px}
#teams a{color:#5b5fc7}
${slackCss}</style><div id=all><div class=side><div class=tag>Slack · our own preview of Block Kit</div><div id=slack></div></div>
<div class=side><div class=tag>Teams · official adaptivecards 3.0.6 renderer</div><div id=teams></div></div></div>`;

// drawSet checks and draws one folder of golden cards.
async function drawSet(browser, start, { golden, pictures, scale }) {
  const context = await browser.newContext({ offline: true, deviceScaleFactor: scale, viewport: { width: 776, height: 900 } });
  const page = await context.newPage();
  await page.goto('file://' + start);
  await page.addScriptTag({ path: bundle });
  let bad = 0;
  let count = 0;
  if (!checkOnly) fs.mkdirSync(pictures, { recursive: true });
  const names = fs.readdirSync(golden).filter((f) => f.endsWith('.teams.json')).map((f) => f.replace('.teams.json', '')).sort();
  for (const name of names) {
    const file = JSON.parse(fs.readFileSync(path.join(golden, name + '.teams.json'), 'utf8'));
    const card = file.card ? file.card.content : file; // a dialog wraps its card
    const out = await page.evaluate(inPage, { card, hostConfig });
    const faults = [...out.faults, ...compare(card, out.clicks)];
    for (const f of faults) console.error(`${name}: ${f}`);
    bad += faults.length;
    count += out.clicks.length;
    const slack = JSON.parse(fs.readFileSync(path.join(golden, name + '.slack.json'), 'utf8'));
    await page.evaluate((html) => { document.getElementById('slack').innerHTML = html; }, renderSlack(slack));
    if (!checkOnly && name !== 'long') { // as high as a house
      await page.evaluate(tidy, file.card ? file.title : '');
      const box = await page.locator('#all').boundingBox();
      const clip = { ...box, height: Math.min(box.height, tallest) };
      await page.screenshot({ path: path.join(pictures, name + '.png'), clip, fullPage: true });
    }
  }
  await context.close();
  return { cards: names.length, count, bad };
}

(async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
  const start = path.join(__dirname, '.scratch', 'preview.html');
  fs.mkdirSync(path.dirname(start), { recursive: true });
  fs.writeFileSync(start, page0);
  const only = process.argv.find((a) => a.startsWith('--set='));
  for (const set of sets) {
    if (only && !set.pictures.endsWith(only.slice(6))) continue;
    const { cards, count, bad } = await drawSet(browser, start, set);
    console.log(`${path.relative(root, set.golden)}: ${cards} cards, ${count} buttons pressed, ${bad} faults`);
    if (bad > 0 || cards === 0) process.exitCode = 1;
  }
  await browser.close();
})();
