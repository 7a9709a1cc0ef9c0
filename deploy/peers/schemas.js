// Writes the JSON Schemas that the Go tests of package cards validate against,
// out of the published TypeScript types (@slack/types, @microsoft/teams.cards,
// both MIT). Run with "npm run schemas"; the result is committed, so that Go
// tests need no npm. "npm run schemas-check" only compares.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { createGenerator } = require('ts-json-schema-generator');

const scratch = path.join(__dirname, '.scratch');
const target = path.join(__dirname, '..', '..', 'cards', 'testdata', 'schema');

const checkOnly = process.argv.includes('--check');

const jobs = [
  {
    file: 'slack-blocks.schema.json',
    source: "import {KnownBlock} from '@slack/types'; export type Blocks = KnownBlock[];",
    type: 'Blocks',
  },
  {
    file: 'slack-view.schema.json',
    source: "import {View} from '@slack/types'; export type SlackView = View;",
    type: 'SlackView',
  },
  {
    // "expose: all" because the types are recursive and overflow otherwise.
    file: 'adaptive-card.schema.json',
    source: "import {IAdaptiveCard} from '@microsoft/teams.cards'; export type Card = IAdaptiveCard;",
    type: 'Card',
    options: { expose: 'all' },
  },
];

// sorted returns v with the keys of every object in order: a diff of the
// committed files then shows changes of the types and nothing else.
function sorted(v) {
  if (Array.isArray(v)) return v.map(sorted);
  if (v === null || typeof v !== 'object') return v;
  return Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])]));
}

fs.mkdirSync(scratch, { recursive: true });
fs.mkdirSync(target, { recursive: true });
for (const job of jobs) {
  const source = path.join(scratch, job.file.replace('.schema.json', '.ts'));
  fs.writeFileSync(source, job.source);
  const schema = createGenerator({
    path: source,
    tsconfig: null,
    type: job.type,
    skipTypeCheck: true,
    jsDoc: 'none',
    ...job.options,
  }).createSchema(job.type);
  const text = JSON.stringify(sorted(schema), null, 1) + '\n';
  const file = path.join(target, job.file);
  if (!checkOnly) fs.writeFileSync(file, text);
  else if (fs.readFileSync(file, 'utf8') !== text) {
    console.error(job.file + ' differs from the installed types; run "npm run schemas"');
    process.exitCode = 1;
  }
  console.log(job.file, Object.keys(schema.definitions).length + ' definitions', Math.round(text.length / 1024) + ' KB');
}
