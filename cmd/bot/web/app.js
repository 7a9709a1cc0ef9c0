// The demo page: who one acts as, the conversations, and Neo beside them. All
// state comes from the server's event stream; the page only shows it.
import { el, clean, renderCard, askForm } from "./card.js";

const $ = (id) => document.getElementById(id);
const about = await (await fetch("api/about")).json();
const state = { as: about.people[0].id, room: about.channel, entries: new Map(), source: null, agents: null, tickets: null };
const rooms = () => [
  { id: about.channel, label: "# " + about.channel, hint: "Everybody sees this" },
  { id: "direct-" + state.as, label: "Direct", hint: "Only " + nameOf(state.as) + " and neobot" },
  { id: "home", label: "Home", hint: "" },
];
const nameOf = (id) => about.people.find((p) => p.id === id)?.name ?? id;

// ---- talking to the server

async function post(path, body) {
  const r = await fetch("api/" + path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ as: state.as, ...body }),
  }).catch(() => null);
  $("offline").hidden = r !== null && r.status < 500;
  return r?.ok ? await r.json() : null;
}

function connect() {
  state.source?.close();
  state.entries.clear();
  state.source = new EventSource("api/events?as=" + encodeURIComponent(state.as));
  state.source.addEventListener("entries", (ev) => {
    for (const e of JSON.parse(ev.data)) {
      if (e.gone) state.entries.delete(e.id);
      else state.entries.set(e.id, e);
      if (e.card) observe(e);
    }
    draw();
  });
  state.source.addEventListener("neo", (ev) => drawNeo(JSON.parse(ev.data)));
  state.source.onopen = () => ($("offline").hidden = true);
  state.source.onerror = () => ($("offline").hidden = false);
}

const press = (entry) => async (action, target) => {
  const answer = await post("press", { entry, action, target });
  if (!answer?.form) return;
  const inputs = await askForm($("dialog"), answer.form);
  if (inputs) await post("press", { entry, action: answer.form.Action, target: answer.form.ID, inputs });
};

// ---- chat

const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

function draw() {
  const list = [...state.entries.values()].filter((e) => (state.room === "home" ? e.home : !e.home && e.conversation === state.room));
  list.sort((a, b) => a.first - b.first);
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const keep = new Map([...log.children].map((c) => [c.dataset.key, c]));
  const shown = list.map((e) => {
    const key = e.id + "/" + JSON.stringify([e.card, e.text, state.as]);
    const row = keep.get(key) ?? drawEntry(e, [...keep.keys()].some((k) => k?.startsWith(e.id + "/")));
    row.dataset.key = key;
    return row;
  });
  log.replaceChildren(...(shown.length ? shown : [welcome()]));
  if (state.room === "home") log.scrollTop = 0;
  else if (atEnd || list.at(-1)?.from === state.as) log.scrollTop = log.scrollHeight;
  for (const b of $("rooms").children) {
    const n = [...state.entries.values()].filter((e) => e.conversation === b.dataset.id && !e.home).length;
    if (b.dataset.id === state.room) b.dataset.seen = n;
    b.classList.toggle("new", n > Number(b.dataset.seen ?? 0));
  }
}

function drawEntry(e, again) {
  const who = e.from ? nameOf(e.from) : "neobot";
  const avatar = el("div", "avatar p-" + (e.from || "bot"), who.slice(0, 1));
  const head = el("div", "by", el("b", "", who), el("time", "", time.format(new Date(e.at))));
  if (e.private && !e.home) head.append(el("span", "private", "Only " + nameOf(state.as) + " sees this"));
  let body;
  if (e.card) {
    body = renderCard(e.card, press(e.id));
    if (again) body.classList.add("redrawn");
  } else {
    body = el("p", "said", clean(e.text));
    body.dir = "auto";
  }
  return el("div", "row" + (e.from ? " mine" : ""), avatar, el("div", "bubble", head, body));
}

function welcome() {
  if (state.room === "home") return el("div", "welcome", el("p", "", "One moment: neobot is putting " + nameOf(state.as) + "'s page together."));
  return el("div", "welcome",
    el("h3", "", "Ask about Neo's agents in plain words"),
    el("p", "", "Questions are answered at once. Changes become a card that somebody else approves. Start with the suggestions below."));
}

// ---- suggestions: what comes next in the tour, then the rest

const suggestions = {
  riley: ["what failed today?", "which agents are on?", "disable License audit", "escalate: Dispatch assigns people who are away", "what may I do?", "how many credits did we use this month?"],
  sam: ["what is waiting for approval?", "what failed this week?", "enable License audit", "what may I do?"],
  mallory: ["what failed today?", "disable Dispatch"],
};

function drawSuggestions() {
  $("suggest").replaceChildren(...(suggestions[state.as] ?? []).map((text) => {
    const b = el("button", "", text);
    b.type = "button";
    b.addEventListener("click", () => say(text));
    return b;
  }));
  $("text").placeholder = "Message neobot as " + nameOf(state.as);
}

async function say(text) {
  if (state.room === "home") choose(about.channel);
  const ok = await post("say", { conversation: state.room, text });
  if (ok) $("log").scrollTop = $("log").scrollHeight;
  return ok;
}

$("say").addEventListener("submit", async (ev) => {
  ev.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  if (!(await say(text))) $("text").value = text;
});

// ---- who and where

function drawPeople() {
  $("people").replaceChildren(...about.people.map((p) => {
    const b = el("button", "", el("span", "avatar p-" + p.id, p.name.slice(0, 1)), el("span", "n", el("b", "", p.name), el("small", "", p.about)));
    b.type = "button";
    b.title = p.about;
    b.setAttribute("role", "radio");
    b.setAttribute("aria-checked", String(p.id === state.as));
    b.addEventListener("click", () => {
      if (p.id === state.as) return;
      state.as = p.id;
      if (state.room !== "home") state.room = state.room.startsWith("direct-") ? "direct-" + p.id : state.room;
      drawAll();
      connect();
      if (state.room === "home") post("home", {});
    });
    return b;
  }));
}

function choose(id) {
  state.room = id;
  if (id === "home") post("home", {});
  drawRooms();
  draw();
}

function drawRooms() {
  const seen = new Map([...$("rooms").children].map((b) => [b.dataset.id, b.dataset.seen]));
  $("rooms").replaceChildren(...rooms().map((r) => {
    const b = el("button", "", r.label);
    b.type = "button";
    b.title = r.hint;
    b.dataset.id = r.id;
    b.dataset.seen = seen.get(r.id) ?? 0;
    if (r.id === state.room) b.setAttribute("aria-current", "true");
    b.addEventListener("click", () => choose(r.id));
    return b;
  }), el("span", "model", about.model ? "model: " + about.model : "built-in router, no model"));
}

// ---- Neo

function drawNeo(neo) {
  const was = state.agents;
  state.agents = new Map(neo.agents.map((a) => [a.id, a.state]));
  $("agents").replaceChildren(...neo.agents.map((a) => {
    const on = a.state === "ENABLED";
    const li = el("li", on ? "on" : "off", el("span", "nm", clean(a.name)), el("span", "st", clean(a.state.toLowerCase())));
    li.title = a.name + " (" + a.kind.toLowerCase() + ", id " + a.id + ")";
    if (was && was.get(a.id) !== a.state) li.classList.add("flash");
    return li;
  }));
  fill("writes", "None yet: asking writes nothing.", neo.writes.map((w) => el("li", w.status >= 400 ? "bad" : "",
    el("code", "", clean(w.call)), w.body ? el("code", "body", clean(JSON.stringify(w.body))) : "", el("small", "", w.status + " at " + time.format(new Date(w.at))))));
  fill("tickets", "None yet.", neo.tickets.map((t) => el("li", "", el("b", "", "#" + clean(t.id)), " ", clean(t.summary), el("small", "", " " + time.format(new Date(t.at))))));
  if (neo.tickets.length > 0) tick("escalate");
  if (document.body.dataset.view === "chat" && was) $("dot").hidden = false;
}

function fill(id, none, rows) {
  $(id).replaceChildren(...(rows.length ? rows : [el("li", "none", none)]));
}

// ---- tour: ticked off by what really happened

const steps = [
  ["ask", "Ask", "as Riley: “what failed today?”", () => act("riley", "what failed today?")],
  ["request", "Request a change", "as Riley: “disable License audit”", () => act("riley", "disable License audit")],
  ["approve", "Approve it", "switch to Sam, press Approve; the agent turns off", () => act("sam")],
  ["escalate", "Escalate", "as Riley: open a ticket with the Neo team", () => act("riley", "escalate: Dispatch assigns people who are away")],
];
const ticked = new Set(JSON.parse(sessionStorage.getItem("tour") ?? "[]"));

function act(as, text) {
  if (state.as !== as) [...$("people").children][about.people.findIndex((p) => p.id === as)].click();
  show("chat");
  if (state.room !== about.channel) choose(about.channel);
  if (text) $("text").value = text;
  $("text").focus();
}

const asked = new Set(); // cards that have been seen waiting for a decision

function observe(e) {
  const s = e.card.Status ?? "";
  if (s === "pending") {
    asked.add(e.id);
    tick("request");
  }
  if (s === "done" && asked.has(e.id)) tick("approve");
  if ((s === "" || s === "done" || s === "failed") && e.card.Body?.length) tick("ask");
}

function tick(step) {
  if (ticked.has(step)) return;
  ticked.add(step);
  sessionStorage.setItem("tour", JSON.stringify([...ticked]));
  drawTour();
}

function drawTour() {
  const next = steps.find(([id]) => !ticked.has(id))?.[0];
  $("tour").replaceChildren(...steps.map(([id, title, text, go]) => {
    const b = el("button", "", el("b", "", title), el("span", "", text));
    b.type = "button";
    b.addEventListener("click", go);
    return el("li", ticked.has(id) ? "ticked" : id === next ? "next" : "", b);
  }));
}

// ---- phone: one view at a time

function show(view) {
  document.body.dataset.view = view;
  if (view === "side") $("dot").hidden = true;
  for (const b of document.querySelectorAll(".tabs button")) b.setAttribute("aria-current", String(b.dataset.show === view));
}
for (const b of document.querySelectorAll(".tabs button")) b.addEventListener("click", () => show(b.dataset.show));

function drawAll() {
  drawPeople();
  drawRooms();
  drawSuggestions();
  draw();
}

drawTour();
drawAll();
show("chat");
connect();
if (matchMedia("(min-width: 800px)").matches) $("text").focus();
