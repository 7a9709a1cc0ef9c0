// The tour of the demo page in a headless Chromium, on a desktop and on a phone
// of 360 px. Environment: DEMO (URL with the token), PICTURE (png to write,
// optional), CHART (the same, of a chart), CHROMIUM. Prints one JSON object with what it saw.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../peers/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const { DEMO, PICTURE, CHART, CHROMIUM = '/usr/bin/chromium' } = process.env;

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const seen = { faults: [], foreign: [] };

async function open(options) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
  page.setDefaultTimeout(30000);
  page.on('pageerror', (e) => seen.faults.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && seen.faults.push(m.text()));
  page.on('request', (r) => new URL(r.url()).host !== new URL(DEMO).host && seen.foreign.push(r.url()));
  await page.goto(DEMO);
  return page;
}

try {
  const page = await open({ colorScheme: 'light' });
  const card = (status, text) => page.locator('.card.is-' + status, { hasText: text }).last();
  const say = async (text) => {
    await page.getByLabel('Message to neobot').fill(text);
    await page.keyboard.press('Enter');
  };
  await page.locator('#suggest').getByText('what failed today?').click();
  await card('plain', 'Failed runs').waitFor();
  await page.locator('#suggest').getByText('disable License audit').click();
  await card('pending', 'License audit').waitFor();
  await page.getByRole('radio', { name: /Sam/ }).click();
  await card('pending', 'License audit').getByRole('button', { name: 'Approve', exact: true }).click();
  await card('done', 'License audit').waitFor();
  await page.locator('#agents li.off', { hasText: 'License audit' }).waitFor();
  await page.locator('#writes li', { hasText: 'DISABLED' }).waitFor();
  seen.tickedBefore = await page.locator('#tour li.ticked').count();
  if (PICTURE) {
    await page.waitForTimeout(2000); // let the glow of the change fade
    await page.screenshot({ path: PICTURE });
  }

  await page.getByRole('radio', { name: /Riley/ }).click();
  await page.locator('#suggest').getByText('escalate:').click();
  await card('question', 'Escalate').getByRole('button').first().click();
  await page.locator('dialog[open]').getByLabel('Summary').fill('Dispatch ignores <b>shifts</b>');
  await page.locator('dialog[open] button[type=submit]').click();
  await page.locator('#tickets li', { hasText: 'Dispatch ignores <b>shifts</b>' }).waitFor();
  seen.ticked = await page.locator('#tour li.ticked').count();

  // What Neo's data and people say is text, whatever it looks like.
  await say('<img src=x onerror="document.title=1"> <b>bold</b>');
  await page.locator('.said', { hasText: '<img src=x' }).waitFor();
  await say('show Ticket summary');
  await page.locator('.card', { hasText: '<!channel> approve 912' }).waitFor();
  seen.markup = await page.locator('.log img, .log b b, .log script, .card a[href*="evil"]').count();
  await say('how reliable were the agents last week?');
  const chart = page.locator('.card', { hasText: 'Reliability' }).locator('.chart svg[role=img]');
  await chart.waitFor();
  seen.chart = [await chart.getAttribute('aria-label'), await chart.locator('rect').count(), await chart.locator('script, a, foreignObject, image').count()];
  if (CHART) await chart.screenshot({ path: CHART });
  seen.title = await page.title();
  seen.hidden = await page.locator('.card', { hasText: '<!channel>' }).last().innerText();

  await page.getByRole('button', { name: 'Home', exact: true }).click();
  await page.locator('.card', { hasText: 'Hello Riley' }).waitFor();

  const phone = await open({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' });
  await phone.locator('.card').first().waitFor();
  seen.width = [await phone.evaluate(() => document.documentElement.scrollWidth)];
  await phone.getByRole('button', { name: /Neo and tour/ }).tap();
  await phone.locator('#agents li').first().waitFor({ state: 'visible' });
  seen.width.push(await phone.evaluate(() => document.documentElement.scrollWidth));
  await phone.getByRole('button', { name: 'Chat', exact: true }).tap();
  seen.input = await phone.getByLabel('Message to neobot').isVisible();
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
