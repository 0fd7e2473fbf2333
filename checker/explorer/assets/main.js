// Tabs, toolbar and colours; decides from the address what is shown.
"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const shades = ["auto", "light", "dark"], root = document.documentElement, system = window.matchMedia("(prefers-color-scheme: dark)");
  EW.shade = () => root.dataset.shade;
  const keep = (value) => { try { if (value) localStorage.setItem("edgewatt-theme", value); else return localStorage.getItem("edgewatt-theme"); } catch { return null; } return null; };
  const paint = () => {
    const chosen = root.dataset.theme;
    root.dataset.shade = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    const [sign, word] = { auto: ["◐", "Auto"], light: ["☀", "Light"], dark: ["☾", "Dark"] }[chosen];
    get("theme").replaceChildren(EW.el("span", { "aria-hidden": "true" }, sign + " "), EW.el("span", { class: "sr" }, "Colours: "), word);
  };
  const stored = keep();
  root.dataset.theme = shades.includes(stored) ? stored : "auto";
  paint();
  EW.data = EW.read();

  const title = (division, type) => `${division ? division[0].toUpperCase() + division.slice(1) : "Results"} · ${type || "no type"}`;
  const tabs = new Map();
  const groups = new Map();
  for (const r of EW.data.results) {
    const key = r.division + "." + r.system_type;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(r);
  }
  for (const [key, results] of [...groups].sort(([a], [b]) => a < b ? -1 : 1)) tabs.set(key, { kind: "systems", title: EW.cut(title(results[0].division, results[0].system_type), 40), results, n: results.length });
  tabs.set("all", { kind: "results", title: "All results", results: EW.data.results, n: EW.data.results.length });
  tabs.set("charts", { title: "Charts", view: "charts", show: EW.showCharts });
  if (EW.data.changes) tabs.set("changes", { title: "Change log", view: "changes", show: EW.showChanges, n: EW.data.changes.reduce((n, c) => n + c.changes.length, 0) });
  if (EW.data.compare) tabs.set("compare", { title: "Comparison", view: "compare", show: EW.showCompare });
  tabs.set("notes", { title: "About", view: "notes", show: EW.showNotes });
  const first = [...tabs.keys()].sort((a, b) => (tabs.get(b).kind === "systems" ? tabs.get(b).n : 0) - (tabs.get(a).kind === "systems" ? tabs.get(a).n : 0))[0];
  EW.tabOf = (r) => EW.tab ?? r.division + "." + r.system_type;

  const nameOf = (key) => "tab-" + [...tabs.keys()].indexOf(key);
  for (const [key, tab] of tabs) {
    get("tabs").append(EW.el("button", { type: "button", role: "tab", id: nameOf(key), "data-tab": key, "aria-controls": tab.view ? tab.view + "-view" : "table-view", on: { click: () => EW.state.go({ tab: key }) } }, tab.title, tab.n === undefined ? null : EW.el("span", { class: "n" }, tab.n.toLocaleString("en-US"))));
  }
  get("tabs").addEventListener("keydown", (event) => {
    const all = [...get("tabs").children], at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  });

  const views = ["table", "charts", "changes", "compare", "notes", "result"];
  let shown = null;
  const show = () => {
    const state = EW.state.get();
    if (get("dialog").open) get("dialog").close();
    const result = state.result === undefined ? null : EW.state.resultOf(state.result);
    const key = tabs.has(state.tab) ? state.tab : first, tab = tabs.get(key);
    EW.forgetPictures();
    for (const v of views) get(v + "-view").hidden = v !== (result ? "result" : tab.view ?? "table");
    for (const button of get("tabs").children) {
      const mine = !result && button.dataset.tab === key;
      button.setAttribute("aria-selected", String(mine));
      button.tabIndex = mine || (result && button === get("tabs").firstChild) ? 0 : -1;
      if (mine) button.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    document.title = "MLPerf Inference results";
    if (result) { EW.showResult(result, state); get("main-view").scrollTop = 0; shown = null; return; }
    EW.tab = key;
    if (tab.view) { get(tab.view + "-view").setAttribute("aria-labelledby", nameOf(key)); tab.show(state); get("main-view").scrollTop = 0; shown = null; return; }
    get("table-view").setAttribute("aria-labelledby", nameOf(key));
    get("search").value = state.q ?? "";
    const rounds = [...new Set(tab.results.map((r) => r.round))];
    get("round-choice").hidden = rounds.length < 2;
    get("round").replaceChildren(EW.el("option", { value: "" }, "all"), ...rounds.map((r) => EW.el("option", { value: r, selected: r === state.round }, r)));
    EW.grid.show({ ...tab, results: rounds.includes(state.round) ? tab.results.filter((r) => r.round === state.round) : tab.results }, state);
    for (const id of ["expand"]) get(id).hidden = tab.kind !== "systems";
    get("legend").textContent = tab.kind === "systems" ? "Open a benchmark's scenario with its arrow for accuracy, power, efficiency and verdict. ✕ marks what is invalid." : "✕ marks what is invalid.";
    label();
    shown = EW.state.text(current());
  };
  const label = () => { get("expand").textContent = EW.grid.anyOpen() ? "Collapse all" : "Expand all"; };
  const current = () => ({ tab: EW.tab, round: get("round-choice").hidden ? "" : get("round").value, q: get("search").value, ...EW.grid.state() });
  EW.noteState = () => { if (!get("table-view").hidden) { EW.state.note(current()); shown = location.hash; label(); } };

  let typing = 0;
  get("search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => { EW.grid.search(get("search").value); EW.noteState(); }, 80); });
  get("round").addEventListener("change", () => EW.state.go({ ...current(), round: get("round").value }));
  get("expand").addEventListener("click", () => { EW.grid.openAll(!EW.grid.anyOpen()); });
  get("csv").addEventListener("click", () => EW.grid.csv("results.csv"));
  get("json").addEventListener("click", () => EW.grid.json("results.json"));
  EW.copyLink = async (done) => {
    try { await navigator.clipboard.writeText(location.href); (done ?? (() => EW.dialog("Link to this view", EW.el("p", {}, "The link was copied."))))(); } catch { EW.dialog("Link to this view", EW.el("p", {}, EW.el("code", {}, location.href))); }
  };
  get("link").addEventListener("click", () => { EW.noteState(); EW.copyLink(() => { get("count").textContent = "The link was copied."; }); });
  get("columns").addEventListener("click", () => {
    const box = (c) => EW.el("label", {}, EW.el("input", { type: "checkbox", checked: c.isVisible(), on: { change: (e) => EW.grid.api.setColumnsVisible([c.getColId()], e.target.checked) } }), " ", columnName(c));
    EW.dialog("Columns", EW.el("div", { class: "checks" }, EW.grid.api.getColumns().map(box)));
  });
  const columnName = (c) => { const parts = c.getColId().split("|"), head = c.getColDef().headerName; return EW.cut(parts.length > 1 ? `${parts.slice(0, -1).join(" ")}: ${head}` : head, 90); };
  get("theme").addEventListener("click", () => { root.dataset.theme = shades[(shades.indexOf(root.dataset.theme) + 1) % 3]; keep(root.dataset.theme); paint(); if (get("table-view").hidden) show(); });
  system.addEventListener("change", () => { paint(); if (get("table-view").hidden) show(); });
  window.addEventListener("hashchange", () => { if (location.hash !== shown) show(); });

  const trees = EW.data.trees, results = EW.data.results, bad = results.filter((r) => !r.valid).length;
  get("about-line").textContent = EW.cut(`${results.length.toLocaleString("en-US")} results from ${trees.length === 1 ? trees[0].name : trees.length + " trees"} · ${[...new Set(trees.map((t) => t.round))].join(", ")}`);
  get("verdict-line").append(EW.badge(bad ? `${bad.toLocaleString("en-US")} invalid` : "all valid", { kind: bad ? "invalid" : "valid" }));
  show();
  root.dataset.ready = "yes";
})();
