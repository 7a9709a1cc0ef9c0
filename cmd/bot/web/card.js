// Renders neutral cards. Every string becomes a text node: nothing that people,
// Neo or a model wrote is ever read as markup.

import { chart } from "./chart.js";

const looks = {
  "": ["", ""],
  pending: ["◷", "Waiting for a decision"],
  working: ["…", "Working"],
  done: ["✓", "Done"],
  failed: ["✕", "Failed"],
  rejected: ["⊘", "Rejected"],
  expired: ["⧖", "Expired"],
  unknown: ["?", "Outcome unknown"],
  refused: ["⊘", "Not possible"],
  question: ["?", "Question"],
};

const actions = new Set(["approve", "reject", "withdraw", "continue", "form"]);
const opaque = /^[A-Za-z0-9_-]{1,128}$/;

// el makes an element; strings among the children become text nodes.
export function el(name, className, ...children) {
  const e = document.createElement(name);
  if (className) e.className = className;
  e.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return e;
}

// Characters that reorder or hide the text around them are written out, so that
// a value cannot look like another one.
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

export function clean(s) {
  return String(s ?? "").replace(hidden, (c) => "⟨U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
}

// value is text from outside, kept from mixing its direction with its neighbours.
function value(name, className, s) {
  const e = el(name, className, clean(s));
  e.dir = "auto";
  return e;
}

export function renderCard(card, press) {
  const status = looks[card.Status] ? card.Status : "";
  const box = el("div", "card " + (status ? "is-" + status : "is-plain"));
  if (card.TestMode) box.append(el("p", "testmode", "Test mode: nothing is sent to Neo"));
  const [icon, words] = looks[status];
  if (card.Title || words) {
    const head = el("div", "head");
    if (card.Title) head.append(value("h4", "", card.Title));
    if (words) head.append(el("span", "badge", el("i", "", icon), words));
    box.append(head);
  }
  if (card.Summary) box.append(value("p", "summary", card.Summary));
  if (card.Fields?.length) {
    box.append(el("dl", "fields", ...card.Fields.map((f) => el("div", "", value("dt", "", f.Name), value("dd", "", f.Value)))));
  }
  if (card.Changes?.length) box.append(changes(card.Changes));
  for (const b of card.Body ?? []) box.append(block(b, press));
  if (card.Links?.length) box.append(el("p", "links", ...card.Links.map(link)));
  const buttons = (card.Buttons ?? []).map((b) => button(b, press)).filter(Boolean);
  if (buttons.length) box.append(el("div", "buttons", ...buttons));
  const foot = [...(card.Footer ?? [])];
  if (card.AIGenerated) foot.push("AI generated");
  if (foot.length) box.append(value("p", "foot", foot.join(" · ")));
  return box;
}

function changes(list) {
  const unset = (s) => (s === "" ? el("em", "", "(not set)") : clean(s));
  return el("div", "changes", ...list.map((c) => {
    const before = el("span", "before", unset(c.Before));
    const after = el("span", "after", unset(c.After));
    before.dir = after.dir = "auto";
    return el("div", "change", value("b", "", c.Field), el("div", "", before, el("span", "arrow", "→"), after));
  }));
}

function block(b, press) {
  const box = el("div", "block");
  if (b.Heading) box.append(value("h5", "", b.Heading));
  if (b.Chart) return box.append(chart(b.Chart)), box;
  if (b.Table) return box.append(table(b.Table)), box;
  if (b.Items?.length) return box.append(el("ul", "items", ...b.Items.map((it) => item(it, press)))), box;
  if (b.Code) return box.append(value("pre", "", b.Code)), box;
  if (b.Text) box.append(value("p", "text", b.Text));
  return box;
}

function item(it, press) {
  const [icon] = looks[it.Status] ?? looks[""];
  const text = el("div", "what", value("span", "t", it.Title), it.Detail ? value("span", "d", it.Detail) : "");
  return el("li", it.Status ? "is-" + it.Status : "", icon ? el("i", "mark", icon) : "", text, it.Button ? button(it.Button, press) : "");
}

function table(t) {
  const row = (cells, tag) => el("tr", "", ...cells.map((c) => value(tag, "", c)));
  return el("div", "scroll", el("table", "", el("thead", "", row(t.Columns ?? [], "th")), el("tbody", "", ...(t.Rows ?? []).map((r) => row(r, "td")))));
}

// link is live only for https; its host is always shown.
function link(l) {
  let url;
  try {
    url = new URL(l.URL);
  } catch {
    return value("span", "", l.Label + ": " + l.URL);
  }
  if (url.protocol !== "https:" || url.username || url.password) return value("span", "", l.Label + ": " + l.URL);
  const a = value("a", "", l.Label || url.host);
  a.href = url.href;
  a.target = "_blank";
  a.rel = "noopener noreferrer";
  return el("span", "", a, el("small", "", " (" + url.host + ")"));
}

function button(b, press) {
  if (!actions.has(b.Action) || !opaque.test(b.ID)) return null;
  const e = value("button", "btn " + (b.Style === "primary" || b.Style === "danger" ? b.Style : ""), b.Label);
  e.type = "button";
  e.addEventListener("click", async () => {
    if (e.ariaBusy === "true") return;
    e.ariaBusy = "true";
    try {
      await press(b.Action, b.ID);
    } finally {
      e.ariaBusy = "false";
    }
  });
  return e;
}

// renderForm fills the dialog and resolves with the inputs, or null.
export function askForm(dialog, form) {
  return new Promise((resolve) => {
    const f = el("form", "", el("h3", "", clean(form.Title)));
    f.firstChild.id = "dialog-title";
    f.noValidate = false;
    for (const b of form.Intro ?? []) f.append(block(b, async () => {}));
    const fields = (form.Inputs ?? []).map((i) => [i.Name, field(f, i)]);
    const cancel = el("button", "btn", "Cancel");
    cancel.type = "button";
    const submit = value("button", "btn primary", form.Submit || "Send");
    submit.type = "submit";
    f.append(el("div", "buttons", cancel, submit));
    let result = null;
    cancel.addEventListener("click", () => dialog.close());
    f.addEventListener("submit", (ev) => {
      ev.preventDefault();
      result = Object.fromEntries(fields.map(([name, input]) => [name, input.value]));
      dialog.close();
    });
    dialog.replaceChildren(f);
    dialog.addEventListener("close", () => resolve(result), { once: true });
    dialog.showModal();
    (fields[0]?.[1] ?? submit).focus();
  });
}

function field(f, i) {
  let input;
  if (i.Kind === "select") {
    input = el("select", "", ...(i.Options ?? []).map((o) => new Option(clean(o.Label), o.Value, false, o.Value === i.Value)));
  } else {
    input = el(i.Kind === "multiline" ? "textarea" : "input");
    input.value = i.Value ?? "";
    if (i.Max > 0) input.maxLength = i.Max;
    if (i.Kind === "multiline") input.rows = (i.Value ?? "").length > 200 ? 10 : 4;
  }
  input.required = !i.Optional;
  f.append(el("label", "", value("span", "", i.Label), input, i.Hint ? value("small", "", i.Hint) : ""));
  return input;
}
