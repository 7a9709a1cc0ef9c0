// Draws the charts of cards as inline SVG. Names and numbers become text nodes
// and checked numbers, never markup; the whole chart in words is its label.
import { clean } from "./card.js";

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 360;
const most = 31;

function svg(name, attributes, text) {
  const e = document.createElementNS(NS, name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
}

const short = (s, n) => (s.length > n ? s.slice(0, n - 1) + "…" : s);
const amount = (v, unit) => v.toLocaleString("en", { maximumFractionDigits: 1 }) + (unit === "%" ? " %" : "");
const paint = (s, i) => "ink-" + (["done", "failed", "expired", "pending"].includes(s.Status) ? s.Status : i);

// drawable is the chart with clean text, or null when its numbers are none.
function drawable(c) {
  const labels = (c.Labels ?? []).slice(0, most).map((l) => short(clean(l), 24));
  const series = (c.Series ?? []).slice(0, 3).map((s, i) => ({
    name: short(clean(s.Name), 24), paint: paint(s, i), values: (s.Values ?? []).slice(0, labels.length),
  }));
  const good = series.some((s) => s.values.length) && series.every((s) => s.values.every((v) => Number.isFinite(v) && v >= 0));
  return good ? { kind: c.Kind, unit: clean(c.Unit), labels, series } : null;
}

function words(c) {
  const at = (i) => c.series.filter((s) => i < s.values.length).map((s) => amount(s.values[i], c.unit) + (c.series.length > 1 ? " " + s.name : "")).join(", ");
  const counted = c.unit && c.unit !== "%" ? " in " + c.unit : "";
  return "Chart" + counted + ": " + c.labels.map((l, i) => l + " " + at(i)).join("; ");
}

export function chart(raw) {
  const c = drawable(raw);
  const box = document.createElement("div");
  box.className = "chart";
  if (!c) {
    box.textContent = "A chart that cannot be drawn.";
    return box;
  }
  if (c.series.length > 1) box.append(legend(c));
  const picture = c.kind === "rows" ? rows(c) : c.kind === "line" ? line(c) : bars(c);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", words(c));
  box.append(picture);
  return box;
}

function legend(c) {
  const p = document.createElement("p");
  for (const s of c.series) {
    const key = document.createElement("i");
    key.className = s.paint;
    p.append(key, s.name);
  }
  return p;
}

const frame = (height) => svg("svg", { viewBox: `0 0 ${WIDTH} ${height}` });
const total = (c, i) => c.series.reduce((sum, s) => sum + (s.values[i] ?? 0), 0);

function rows(c) {
  const out = frame(c.labels.length * 24);
  const high = Math.max(...c.labels.map((_, i) => total(c, i))) || 1;
  c.labels.forEach((label, i) => {
    const y = i * 24;
    let x = 118;
    out.append(svg("text", { x: 112, y: y + 16, "text-anchor": "end" }, short(label, 17)));
    const room = WIDTH - x - 70;
    for (const s of c.series) {
      const w = ((s.values[i] ?? 0) / high) * room;
      if (w > 0) out.append(svg("rect", { x, y: y + 4, width: Math.max(w, 2), height: 16, class: s.paint }));
      x += w;
    }
    const numbers = c.series.filter((s) => i < s.values.length).map((s) => amount(s.values[i], c.unit));
    out.append(svg("text", { x: x + 5, y: y + 16 }, numbers.join(" + ")));
  });
  return out;
}

const BASE = 132;

// ground is the axis with as many labels as stand beside each other.
function ground(c, out, at) {
  out.append(svg("line", { x1: 0, x2: WIDTH, y1: BASE, y2: BASE }));
  const step = Math.ceil((c.labels.length * 52) / WIDTH);
  c.labels.forEach((label, i) => {
    if (i % step === 0) out.append(svg("text", { x: at(i), y: BASE + 16, "text-anchor": "middle" }, short(label, 8)));
  });
}

function bars(c) {
  const out = frame(154);
  const high = Math.max(...c.labels.map((_, i) => total(c, i))) || 1;
  const slot = WIDTH / c.labels.length;
  ground(c, out, (i) => (i + 0.5) * slot);
  c.labels.forEach((_, i) => {
    let y = BASE;
    for (const s of c.series) {
      const h = ((s.values[i] ?? 0) / high) * (BASE - 18);
      if (h > 0) out.append(svg("rect", { x: i * slot + slot * 0.12, y: y - h, width: slot * 0.76, height: h, class: s.paint }));
      y -= h;
    }
    if (slot > 30) out.append(svg("text", { x: (i + 0.5) * slot, y: y - 4, "text-anchor": "middle" }, amount(total(c, i), c.unit)));
  });
  return out;
}

function line(c) {
  const out = frame(154);
  const high = Math.max(...c.series.flatMap((s) => s.values)) || 1;
  const at = (i) => 20 + (i * (WIDTH - 40)) / Math.max(c.labels.length - 1, 1);
  ground(c, out, at);
  out.append(svg("text", { x: 0, y: 12 }, amount(high, c.unit)));
  for (const s of c.series) {
    const points = s.values.map((v, i) => at(i).toFixed(1) + "," + (BASE - (v / high) * (BASE - 18)).toFixed(1));
    out.append(svg("polyline", { points: points.join(" "), class: "line " + s.paint }));
  }
  return out;
}
