// The data of the page, and the few helpers that everything is drawn with. Text from data only ever becomes a text node.
"use strict";
const EW = {};

EW.read = () => {
  const raw = JSON.parse(document.getElementById("data").textContent);
  const texts = raw.texts;
  const table = ({ fields, kinds, rows }) => rows.map((row) => {
    const made = {};
    for (let i = 0; i < fields.length; i++) {
      made[fields[i]] = kinds[i] === "t" ? texts[row[i]] : kinds[i] === "j" ? JSON.parse(texts[row[i]]) : row[i];
    }
    return made;
  });
  const results = table(raw.results);
  results.forEach((r, i) => { r.id = i; });
  return { ...raw, results, findings: table(raw.findings) };
};

EW.el = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false).map((c) => c instanceof Node ? c : EW.shown(String(c))));
  return made;
};

// Signs that would hide or turn text around (controls, bidirectional marks) are spelled out.
EW.shown = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
  (c) => "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));
EW.cut = (text, most = 300) => { text = EW.shown(String(text)); return text.length > most ? text.slice(0, most) + "…" : text; };

const six = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });
EW.number = (value) => typeof value !== "number" ? "–" : Math.abs(value) >= 1e12 || (value !== 0 && Math.abs(value) < 1e-4) ? value.toExponential(4) : six.format(value);
EW.percent = (value) => typeof value === "number" ? EW.number(Math.round(value * 1e6) / 1e4) + " %" : "–";
EW.unit = (unit) => unit === "Latency (ms)" ? "ms" : unit === "Latency (s)" ? "s" : unit;
EW.accuracy = (r) => r.accuracy.map((a) => `${EW.cut(a.name, 30)} ${EW.number(a.value)}`).join(", ");
EW.powerLabel = (r) => r.power_name === "energy_per_stream" ? "Energy per Stream" : "System Power";
EW.lowerIsBetter = (r) => r.unit.startsWith("Latency");
EW.verdict = (valid) => valid ? "valid" : "invalid";
EW.efficiencyUnit = (r) => r.unit.endsWith("/s") ? r.unit.slice(0, -2) + "/J" : "Samples/J";

// Half a surrogate pair, as names that are no UTF-8 have, cannot stand in an address.
const whole = (text) => text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
// A link into the tree that the page was made of; nothing but a path below it.
EW.href = (tree, path) => {
  const base = EW.data.trees[tree].href;
  return base === null || base === undefined ? null : base + whole(path).split("/").map(encodeURIComponent).join("/");
};
EW.fileLink = (tree, path, text) => {
  const href = EW.href(tree, path);
  return href === null ? EW.el("span", { class: "path" }, text ?? path)
    : EW.el("a", { class: "path", href, rel: "noopener noreferrer", target: "_blank" }, text ?? path);
};
EW.outLink = (url, text) => /^https?:\/\//.test(url) ? EW.el("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, text) : EW.el("span", {}, text);

EW.download = (name, type, text) => {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = EW.el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};

EW.dialog = (title, ...children) => {
  const box = document.getElementById("dialog");
  document.getElementById("dialog-title").textContent = EW.cut(title);
  document.getElementById("dialog-body").replaceChildren(...children);
  box.showModal();
};

EW.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
EW.badge = (word, attributes = {}) => EW.el(attributes.on ? "button" : "span", { ...attributes, type: attributes.on ? "button" : null, class: "badge " + (/^(valid|invalid|error|warning|note)$/.test(attributes.kind ?? word) ? attributes.kind ?? word : "") }, word);
