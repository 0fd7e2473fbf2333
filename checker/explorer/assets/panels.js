// The other tabs: charts, change log, comparison, notes.
"use strict";
(() => {
  const MOST_BARS = 40;
  const label = (r) => EW.cut(`${r.submitter}: ${r.system_name}`, 52) + (EW.data.trees.length > 1 ? ` (${r.round})` : "");
  const tip = (r) => [label(r), `${EW.number(r.value)} ${EW.unit(r.unit)}`, ...(r.average_watts === null ? [] : [`${EW.number(r.average_watts)} W`]), r.valid ? "valid" : "invalid"];
  const open = (found) => (event, items) => { if (items.length) { const r = found(items[0]); if (r) location.hash = EW.state.resultLink(r); } };

  EW.showCharts = (state) => {
    const box = document.getElementById("charts-view");
    box.className = "page";
    EW.forgetPictures();
    const numbers = EW.data.results.filter((r) => typeof r.value === "number");
    const kinds = new Map();
    for (const r of numbers) { const key = JSON.stringify([r.division, r.model, r.scenario]); kinds.set(key, [...(kinds.get(key) ?? []), r]); }
    const keys = [...kinds.keys()].sort((a, b) => kinds.get(b).filter((r) => r.power_name).length - kinds.get(a).filter((r) => r.power_name).length || kinds.get(b).length - kinds.get(a).length);
    const chosen = keys.includes(state.chart) ? state.chart : keys[0];
    if (!chosen) { box.replaceChildren(EW.el("p", { class: "muted" }, "There is no number to draw.")); return; }
    const select = EW.el("select", { on: { change: () => EW.state.go({ tab: "charts", chart: select.value }) } }, [...keys].sort().map((key) => {
      const [division, model, scenario] = JSON.parse(key);
      return EW.el("option", { value: key, selected: key === chosen }, EW.cut(`${model} · ${scenario} · ${division} (${kinds.get(key).length})`, 90));
    }));
    const [, model, scenario] = JSON.parse(chosen), own = kinds.get(chosen);
    const pictures = EW.el("div", { class: "pictures" });
    box.replaceChildren(EW.el("h2", {}, `${EW.cut(model, 60)}, ${EW.cut(scenario, 40)}`), EW.el("div", { class: "choices" }, EW.el("label", {}, "Benchmark, scenario and division", select)), pictures);
    bars(pictures, own);
    scatter(pictures, own);
    rounds(pictures, own);
  };

  const picture = (box, title) => { const made = EW.el("figure", { class: "picture" }, EW.el("figcaption", {}, title)); box.append(made); return made; };

  const bars = (box, own) => {
    const unit = EW.unit(own[0].unit), lower = EW.lowerIsBetter(own[0]);
    const sorted = own.filter((r) => r.unit === own[0].unit).sort((a, b) => lower ? a.value - b.value : b.value - a.value), drawn = sorted.slice(0, MOST_BARS);
    const figure = picture(box, `Results in ${unit}, ${lower ? "the shortest" : "the highest"} first`);
    EW.draw(figure, {
      type: "bar", data: { labels: drawn.map(label), datasets: [{ data: drawn.map((r) => r.value), backgroundColor: drawn.map((r) => r.valid ? EW.colour("power") : EW.colour("gap")), maxBarThickness: 22 }] },
      options: { indexAxis: "y", onClick: open((i) => drawn[i.index]), scales: { x: { title: { text: unit }, beginAtZero: true }, y: { ticks: { autoSkip: false, callback: (v, i) => EW.cut(drawn[i].system + (EW.data.trees.length > 1 ? ` (${drawn[i].round})` : ""), window.innerWidth < 640 ? 20 : 32) }, grid: { display: false } } }, plugins: { tooltip: { callbacks: { title: () => "", label: (i) => tip(drawn[i.dataIndex]) } } } },
    }, 90 + 28 * drawn.length, `Bars: results in ${unit}`);
    if (sorted.length > drawn.length) figure.append(EW.el("p", { class: "small muted" }, `The first ${drawn.length} of ${sorted.length}; the table below the picture has all.`));
    figure.append(EW.asTable(["System", "Result in " + unit, "Verdict"], sorted.slice(0, 1000).map((r) => [EW.el("a", { href: EW.state.resultLink(r) }, label(r)), r.value, EW.verdict(r.valid)])));
  };

  const scatter = (box, own) => {
    const power = own.filter((r) => typeof r.average_watts === "number" && r.unit === own[0].unit), unit = EW.unit(own[0].unit);
    const figure = picture(box, "Performance against average power");
    if (!power.length) { figure.append(EW.el("p", { class: "muted" }, "No result of this benchmark and scenario was measured with power.")); return; }
    const who = [...new Set(power.map((r) => r.submitter))];
    EW.draw(figure, {
      type: "scatter", data: { datasets: who.map((name, n) => { const mine = power.filter((r) => r.submitter === name); return { label: EW.cut(name, 40), mine, data: mine.map((r) => ({ x: r.average_watts, y: r.value })), backgroundColor: EW.series()[n % 8], borderColor: EW.series()[n % 8], pointRadius: 6, pointHoverRadius: 8, pointStyle: ["circle", "triangle", "rect", "rectRot", "star"][n % 5] }; }) },
      options: { onClick: open((i) => power.filter((r) => r.submitter === who[i.datasetIndex])[i.index]), scales: { x: { ...scale(power.map((r) => r.average_watts)), title: { text: "average watts" } }, y: { ...scale(power.map((r) => r.value)), title: { text: unit } } }, plugins: { legend: { display: true, position: "bottom", labels: { color: EW.colour("ink"), usePointStyle: true } }, tooltip: { callbacks: { label: (i) => tip(i.dataset.mine[i.dataIndex]) } } } },
    }, 360, "Points: performance against average watts");
    figure.append(EW.asTable(["System", "Average W", unit, "Per joule"], power.map((r) => [EW.el("a", { href: EW.state.resultLink(r) }, label(r)), r.average_watts, r.value, r.samples_per_joule ?? "–"])));
  };

  const rounds = (box, own) => {
    const power = own.filter((r) => typeof r.power_value === "number"), names = [...new Set(EW.data.trees.map((t) => t.round))].filter((n) => power.some((r) => r.round === n));
    if (names.length < 2) return;
    const energy = power[0].power_name === "energy_per_stream", joule = (r) => r.power_unit === "J" ? r.power_value * 1000 : r.power_value;
    const title = energy ? "Energy per Stream by round" : "System Power by round", unit = energy ? "mJ" : "W", figure = picture(box, title);
    const who = [...new Set(power.map((r) => r.submitter))];
    EW.draw(figure, {
      type: "scatter", data: { datasets: who.map((name, n) => { const mine = power.filter((r) => r.submitter === name); return { label: EW.cut(name, 40), mine, data: mine.map((r) => ({ x: names.indexOf(r.round), y: joule(r) })), backgroundColor: EW.series()[n % 8], borderColor: EW.series()[n % 8], pointRadius: 6, pointStyle: ["circle", "triangle", "rect", "rectRot", "star"][n % 5] }; }) },
      options: { onClick: open((i) => power.filter((r) => r.submitter === who[i.datasetIndex])[i.index]), scales: { x: { min: -0.5, max: names.length - 0.5, ticks: { stepSize: 1, callback: (v) => names[v] ?? "" } }, y: { ...scale(power.map(joule)), title: { text: unit } } }, plugins: { legend: { display: true, position: "bottom", labels: { color: EW.colour("ink"), usePointStyle: true } }, tooltip: { callbacks: { label: (i) => [label(i.dataset.mine[i.dataIndex]), `${EW.number(i.parsed.y)} ${unit}`] } } } },
    }, 320, "Points: " + title);
    figure.append(EW.asTable(["System", "Round", unit], power.map((r) => [EW.el("a", { href: EW.state.resultLink(r) }, label(r)), r.round, joule(r)])));
  };

  // From zero, or logarithmic where the numbers lie far apart.
  const scale = (values) => {
    const low = Math.min(...values), high = Math.max(...values);
    return low > 0 && high / low > 30 ? { type: "logarithmic", min: 10 ** Math.floor(Math.log10(low)), ticks: { callback: tens, color: EW.colour("quiet") } } : { type: "linear", beginAtZero: true, grace: "5%" };
  };
  const tens = (value) => Math.log10(value) % 1 === 0 ? EW.number(value) : "";

  const kindBadge = { added: "valid", removed: "", modified: "warning", invalidated: "error", restored: "valid", preview: "warning" };
  EW.showChanges = () => {
    const box = document.getElementById("changes-view"), log = EW.data.changes;
    box.className = "page";
    box.replaceChildren(EW.el("h2", {}, "Change log"), ...log.map((part) => EW.el("section", {}, EW.el("h3", {}, `From ${EW.cut(part.old, 80)} to ${EW.cut(part.new, 80)}: ${part.changes.length} changes`),
      part.changes.length ? part.changes.map((c) => EW.el("div", { class: "change" }, EW.el("div", {}, EW.badge(c.kind, { kind: kindBadge[c.kind] })), EW.el("div", {}, EW.el("p", {}, EW.el("strong", {}, EW.cut(c.place, 300))), c.lines.map((l) => EW.el("p", {}, EW.cut(l, 500))),
        c.reason ? EW.el("p", { class: "small" }, "Reason: ", EW.cut(c.reason, 800)) : null))) : EW.el("p", { class: "muted" }, "Nothing changed."))));
  };

  EW.showCompare = () => {
    const box = document.getElementById("compare-view"), c = EW.data.compare;
    box.className = "page wide";
    const row = (p) => EW.el("tr", {}, EW.el("th", { scope: "row" }, EW.cut(`${p.model} ${p.scenario}`, 80)), EW.el("td", {}, EW.cut(p.a.system, 90)), EW.el("td", {}, EW.cut(p.b.system, 90)), EW.el("td", {}, EW.cut(p.what, 40)),
      EW.el("td", { class: "num" }, EW.number(p.a.value)), EW.el("td", { class: "num" }, EW.number(p.b.value)), EW.el("td", {}, p.unit), EW.el("td", { class: "num" }, p.ratio === null ? "–" : EW.number(p.ratio) + " ×"), EW.el("td", {}, p.said ? EW.cut(p.said, 200) : "–"), EW.el("td", {}, p.barred.length ? [EW.badge("not comparable", { kind: "error" }), " ", p.barred.map((b) => EW.cut(b, 200)).join("; ")] : EW.badge("comparable", { kind: "valid" })));
    box.replaceChildren(EW.el("h2", {}, `${EW.cut(c.a, 80)} beside ${EW.cut(c.b, 80)}`), EW.el("p", { class: "muted" }, "The ratio is B over A. A difference of power is more than the error where it is larger than what both u95 leave open."),
      c.pairs.length ? EW.el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Comparison" }, EW.el("table", { class: "plain" }, EW.el("thead", {}, EW.el("tr", {}, ["Benchmark", "A", "B", "Number", "A", "B", "Unit", "B / A", "Against the error", "By the rules"].map((h) => EW.el("th", { scope: "col" }, h)))), EW.el("tbody", {}, c.pairs.map(row)))) : EW.el("p", {}, "They have no benchmark and scenario in common."),
      ...(c.outliers.length ? [EW.el("h3", {}, "Far from the others on the same platform"), ...c.outliers.map((o) => EW.el("p", {}, EW.cut(o, 400)))] : []));
  };

  EW.showNotes = () => {
    const box = document.getElementById("notes-view"), whole = EW.data.findings.filter((f) => !f.scope || f.scope.split("/").length < 5);
    box.className = "page";
    box.replaceChildren(EW.el("h2", {}, "About this page"),
      EW.el("p", {}, `Made by ${EW.data.tool.name} ${EW.data.tool.version} from ${EW.data.trees.length === 1 ? "one tree" : EW.data.trees.length + " trees"}; it loads nothing from the network. Every number is that of the JSON report, rounded to six figures for reading; point at one to see all of it.`),
      ...EW.data.remarks.map((n) => EW.el("p", { class: "remark" }, n)),
      EW.el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Trees" }, EW.el("table", { class: "plain" }, EW.el("thead", {}, EW.el("tr", {}, ["Tree", "Round", "Why", "By the rules", "Official checker", "Results", "Invalid"].map((h) => EW.el("th", { scope: "col" }, h)))),
        EW.el("tbody", {}, EW.data.trees.map((t) => EW.el("tr", {}, EW.el("th", { scope: "row" }, EW.cut(t.name)), EW.el("td", {}, t.round), EW.el("td", {}, EW.cut(t.round_reason)), EW.el("td", {}, EW.badge(t.verdict)), EW.el("td", {}, EW.badge(t.reference_verdict)), EW.el("td", { class: "num" }, t.counts.results), EW.el("td", { class: "num" }, t.counts.invalid)))))),
      EW.el("h3", {}, "Columns"), EW.el("p", {}, "System Power is the average power at the wall in watts (Server, Offline). Energy per Stream is the energy of one query (SingleStream, MultiStream). Both are of the performance run of that benchmark alone. u95 is the half-width within which the average power lies with 95 % probability by the maker's figures for a meter within its calibration. Coverage is the share of the power window for which good samples stand."),
      EW.el("h3", {}, `Findings that are not about one result (${whole.length})`), ...whole.slice(0, 500).map(EW.finding));
  };
})();
