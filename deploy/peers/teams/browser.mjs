// The playground's own client in a headless Chromium, as Alice: asks in her own
// chat and presses a button, asks for a change in the group chat with a mention,
// tries to approve it herself, waits until somebody else has, and takes a picture.
// Environment: PLAYGROUND (URL), PICTURE (png to write, optional), CHROMIUM.
// Prints "asked" when the change waits for somebody else, then one JSON object.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const { PLAYGROUND, PICTURE, CHROMIUM = '/usr/bin/chromium' } = process.env;

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 760 } });
  const faults = [];
  page.on('pageerror', (e) => faults.push(String(e)));
  await page.route(/res-1\.cdn\.office\.net|monitor\.azure|visualstudio/, (r) => r.abort());
  await page.goto(PLAYGROUND);
  const box = page.locator('[contenteditable=true]').first();
  const shown = () => page.locator('body').innerText();

  await box.click();
  await box.pressSequentially('which agents are off?');
  await page.keyboard.press('Enter');
  await page.getByText(/^\d+ agents? off$/).last().waitFor();
  await page.getByRole('button', { name: 'Show', exact: true }).last().click();
  await page.getByText('Runs on a schedule', { exact: false }).or(page.getByText('Started by', { exact: false })).last().waitFor();
  const personal = await shown();

  await page.getByText('Group', { exact: true }).first().click();
  await box.click();
  await box.pressSequentially('@neo');
  await page.getByRole('menuitem', { name: 'neobot' }).click(); // the suggestion
  await box.pressSequentially(' disable Ticket summary');
  await page.keyboard.press('Enter');
  await page.getByText('Alice asks for this').last().waitFor();
  await page.getByRole('button', { name: 'Approve', exact: true }).last().click();
  await page.getByText('You asked for it').last().waitFor();
  const refused = await shown();
  console.log('asked');

  await page.getByText('Approved by Bob').last().waitFor();
  await page.getByText('Neo now shows the change').last().waitFor();
  const group = await shown();
  if (PICTURE) await page.screenshot({ path: PICTURE });
  console.log(JSON.stringify({ personal, refused, group, faults }));
} catch (e) {
  console.error(await browser.contexts()[0]?.pages()[0]?.locator('body').innerText());
  throw e;
} finally {
  await browser.close();
}
