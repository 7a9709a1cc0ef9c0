// A sketch of how Slack draws Block Kit on a phone, for pictures only. It knows
// the blocks this project sends and fails on any other.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const esc = (s) => String(s).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

// picture is the chart as the bot draws it: its tests keep them beside the cards.
function picture(id) {
  const file = path.join(__dirname, '..', '..', 'docs', 'cards', 'charts', id.replace(/[^A-Z0-9]/g, '') + '.png');
  return fs.existsSync(file) ? 'data:image/png;base64,' + fs.readFileSync(file).toString('base64') : '';
}

// mrkdwn as far as the cards use it: bold lines, escaped characters.
const mrkdwn = (s) => s.replace(/"/g, '&quot;').replace(/(^|\n)([^\n*]*)\*([^*\n]+)\*/g, '$1$2<b>$3</b>');

const text = (t) => `<span class=pre>${t.type === 'mrkdwn' ? mrkdwn(t.text) : esc(t.text)}</span>`;

function inline(e) {
  if (e.type === 'link') return `<a>${esc(e.text || e.url)}</a>`;
  if (e.type !== 'text') throw new Error('rich text element ' + e.type);
  let html = esc(e.text);
  const st = e.style || {};
  if (st.code) html = `<code>${html}</code>`;
  if (st.bold) html = `<b>${html}</b>`;
  if (st.italic) html = `<i>${html}</i>`;
  return html;
}

function rich(e) {
  const inner = e.elements.map(inline).join('');
  if (e.type === 'rich_text_section') return `<div class=pre>${inner}</div>`;
  if (e.type === 'rich_text_preformatted') return `<div class=box>${inner}</div>`;
  throw new Error('rich text ' + e.type);
}

const button = (b) => `<span class="btn ${b.style || ''}">${esc(b.text.text)}</span>`;

function cell(c) {
  return c.type === 'raw_text' ? esc(c.text) : c.elements.map((s) => s.elements.map(inline).join('')).join('');
}

const blocks = {
  header: (b) => `<div class=header>${esc(b.text.text)}</div>`,
  context: (b) => `<div class=context>${b.elements.map(text).join(' ')}</div>`,
  section: (b) => `<div class=section><div class=grow>${b.text ? text(b.text) : ''}${
    b.fields ? `<div class=fields>${b.fields.map((f) => `<div>${text(f)}</div>`).join('')}</div>` : ''
  }</div>${b.accessory ? button(b.accessory) : ''}</div>`,
  actions: (b) => `<div class=actions>${b.elements.map(button).join('')}</div>`,
  rich_text: (b) => `<div class=rich>${b.elements.map(rich).join('')}</div>`,
  table: (b) => `<div class=tablebox><table>${b.rows.map((r) => `<tr>${r.map((c, i) =>
    `<td style="text-align:${((b.column_settings || [])[i] || {}).align || 'left'}">${cell(c)}</td>`).join('')}</tr>`).join('')}</table></div>`,
  image: (b) => `<img class=picture alt="${esc(b.alt_text)}" src="${picture(b.slack_file.id)}">`,
  input: (b) => `<div class=input><b>${esc(b.label.text)}</b>${b.optional ? ' <span class=dim>(optional)</span>' : ''}${
    b.element.type === 'static_select'
      ? `<div class=field>${esc((b.element.initial_option || b.element.options[0]).text.text)} ▾</div>`
      : `<div class="field ${b.element.multiline ? 'multi' : ''}">${esc(b.element.initial_value || '')}</div>`
  }${b.hint ? `<div class=dim>${esc(b.hint.text)}</div>` : ''}</div>`,
};

// renderSlack draws a message, a home tab or a modal.
function renderSlack(doc) {
  const body = doc.blocks.map((b) => {
    if (!blocks[b.type]) throw new Error('block ' + b.type);
    return blocks[b.type](b);
  }).join('');
  if (doc.type === 'modal') {
    return `<div class=modalhead><b>${esc(doc.title.text)}</b></div><div class=view>${body}</div>
      <div class="actions view modalfoot"><span class=btn>${esc(doc.close.text)}</span><span class="btn primary">${esc(doc.submit.text)}</span></div>`;
  }
  if (doc.type === 'home') return `<div class=view>${body}</div>`;
  return `<div class=msg><div class=avatar>n</div><div class=grow><b>neobot</b> <span class=app>APP</span> <span class=dim>9:42</span>${body}</div></div>`;
}

const slackCss = `
#slack{color:#1d1c1d;font-size:15px}#slack .pre{white-space:pre-wrap;overflow-wrap:anywhere}
.msg{display:flex;gap:8px;padding:10px 12px}.grow{flex:1;min-width:0}.view{padding:10px 14px}
.avatar{width:32px;height:32px;border-radius:6px;background:#2f4f8f;color:#fff;text-align:center;line-height:30px;font-weight:700;flex:none}
.app{font-size:10px;background:#e8e8e8;padding:0 3px;border-radius:2px;color:#616061}.dim{color:#616061;font-size:12px}
.header{font-weight:800;font-size:18px;margin:8px 0 4px;overflow-wrap:anywhere}
.context{font-size:12px;color:#616061;margin:4px 0}.rich,.section{margin:6px 0}
.section{display:flex;gap:8px;align-items:flex-start}.fields{display:grid;grid-template-columns:1fr 1fr;gap:8px 12px}
.picture{display:block;width:100%;border-radius:6px;border:1px solid #ddd;box-sizing:border-box;margin:4px 0 8px}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}.modalfoot{border-top:1px solid #ddd;margin:0;justify-content:flex-end}
.btn{border:1px solid #bbb;border-radius:4px;padding:4px 11px;font-weight:700;font-size:14px;white-space:nowrap;flex:none;background:#fff}
.btn.primary{background:#007a5a;border-color:#007a5a;color:#fff}.btn.danger{color:#e01e5a;border-color:#e01e5a}
#slack .box{background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:7px;font:12px/1.5 "DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:3px 0 5px}
#slack code{background:#f8f8f8;border:1px solid #ddd;border-radius:3px;padding:1px 3px;color:#c01343;font:12px "DejaVu Sans Mono",monospace}
#slack a{color:#1264a3}.tablebox{overflow-x:auto;margin:8px 0}table{border-collapse:collapse}#slack td{border:1px solid #ddd;padding:4px 8px;font-size:14px}
.modalhead{padding:12px 14px;border-bottom:1px solid #ddd}.input{margin:10px 0}.field{border:1px solid #999;border-radius:4px;padding:6px 9px;min-height:22px;white-space:pre-wrap;margin:3px 0}.multi{min-height:70px}
`;

module.exports = { renderSlack, slackCss };
