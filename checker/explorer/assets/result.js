// The view of one result: its numbers with their files and formulas, power over time, latencies, findings.
"use strict";
(() => {
  const names = { performance: "Performance", average_watts: "Average power", window: "Power window", energy_per_stream: "Energy per Stream", system_power: "System Power", coverage: "Coverage", energy_joules: "Energy of the window", samples_per_joule: "Efficiency", average_u95_w: "u95 of the average power" };
  const fact = (name, value, unit, text) => value === "" || value === null || value === undefined ? null
    : EW.el("div", { class: "fact" + (text ? " text" : "") }, EW.el("dt", {}, name), EW.el("dd", { title: String(value) }, text ? EW.cut(value, 400) : EW.number(value), unit ? EW.el("small", {}, " " + unit) : null));

  EW.showResult = (r, state = {}) => {
    const box = document.getElementById("result-view"), detail = EW.data.details[r.id], traces = EW.data.traces[r.id] ?? [];
    const tree = EW.data.trees[r.tree];
    box.className = "page";
    box.replaceChildren(
      EW.el("p", { class: "crumbs" }, EW.el("a", { href: EW.state.text({ tab: EW.tabOf(r) }) }, "← all results"), " · ", [tree.name, r.division, r.submitter, r.system, r.benchmark, r.scenario].map((t) => EW.cut(t, 80)).join(" / ")),
      EW.el("h2", {}, `${EW.cut(r.model, 80)} ${EW.cut(r.scenario, 40)} on ${EW.cut(r.system_name, 160)}`),
      EW.el("p", {}, EW.badge(EW.verdict(r.valid)), " by the rules · ", EW.badge(EW.verdict(r.reference_valid)), ` by the official checker of ${r.round}`, r.inferred ? " · inferred from a run of another scenario" : "",
        r.power_name && r.official === false ? " · unofficial power" : ""),
      EW.el("dl", { class: "facts" }, fact("Result", r.value, EW.unit(r.unit)), fact(EW.powerLabel(r), r.power_value, r.power_unit), fact("Average power", r.average_watts, r.average_u95_w === null ? "W" : `± ${EW.number(Number(r.average_u95_w.toPrecision(2)))} W (95 %)`),
        fact("Efficiency", r.samples_per_joule, EW.efficiencyUnit(r)), r.accuracy.map((a) => fact("Accuracy " + a.name, a.value, a.min === null ? "" : `of at least ${EW.number(a.min)}`)),
        r.coverage === null ? null : fact("Coverage", r.coverage * 100, "%"), fact("Energy of the window", r.energy_joules, "J"), fact("Bad samples", r.bad_samples, r.samples === null ? "" : `of ${r.samples}`), fact("Longest gap", r.max_gap_seconds, "s"), fact("Ranging against testing", r.ranging_delta_percent, "%")),
      EW.el("dl", { class: "facts" }, fact("Submitter", r.submitter, "", true), fact("Software", r.software, "", true), fact("Processor and count", r.processor, "", true), fact("Accelerator and count", r.accelerator, "", true), fact("Availability", r.availability, "", true),
        fact("Model used", r.model_used, "", true), fact("Notes", r.notes, "", true), fact("Meter", [r.meter, r.meter_serial, r.ranges ? `${r.ranges[0]} V, ${r.ranges[1]} A` : ""].filter(Boolean).join(", "), "", true), fact("Power daemon", r.daemon, "", true)),
      EW.el("p", { class: "small" }, "Details: ", r.details ? EW.fileLink(r.tree, r.details) : "–", " · Code: ", r.code ? EW.fileLink(r.tree, r.code) : "–", " · Result: ", EW.fileLink(r.tree, r.path)),
    );
    if (traces.length) power(box, r, traces, state);
    if (detail) numbers(box, r, detail);
    if (detail && detail.latencies.length) latency(box, detail.latencies);
    box.append(EW.el("h3", { id: "findings" }, `Findings (${r.findings.length})`), ...(r.findings.length ? r.findings.map((n) => EW.finding(EW.data.findings[n])) : [EW.el("p", { class: "muted" }, "None.")]));
    document.title = EW.cut(`${r.model} ${r.scenario}: ${r.system_name}`, 120);
  };

  const power = (box, r, traces, state) => {
    const testing = traces.find((t) => t.phase === "testing") ?? traces[0];
    const figure = EW.el("figure", { class: "picture" }, EW.el("figcaption", {}, "Power at the wall over time"));
    box.append(figure);
    const numbers = [state.from, state.to].map((text) => text === undefined || text.trim() === "" ? NaN : Number(text)), start = numbers.every(Number.isFinite) ? numbers : null;
    // The stretch that is shown stands in the address, to the millisecond.
    const told = (shown) => EW.state.note({ result: EW.state.nameOf(r), ...(shown ? { from: Math.floor(shown[0] * 1000) / 1000, to: Math.ceil(shown[1] * 1000) / 1000 } : {}) });
    EW.powerPicture(figure, traces, r.average_watts, r.average_u95_w, { start, told, extra: EW.el("button", { type: "button", on: { click: () => EW.copyLink() } }, "Copy link") });
    const key = (name, words) => EW.el("span", {}, EW.el("i", { class: "k-" + name }), words);
    figure.append(EW.el("div", { class: "key" }, key("power", "testing"), traces.length > 1 ? key("range", "ranging") : null, key("window", "window of LoadGen"), r.average_watts === null ? null : key("average", r.average_u95_w === null ? "average" : `average ± ${EW.number(Number(r.average_u95_w.toPrecision(2)))} W (95 %)`), testing.gaps.length ? key("gap", `${testing.gaps.length} gaps`) : null, testing.bad.length ? key("bad", `${testing.bad.length} samples that are no reading`) : null,
      testing.decimated ? EW.el("span", {}, `${testing.ms.length} of ${testing.samples} samples drawn: lowest and highest of each stretch`) : null));
    figure.append(EW.el("div", { class: "small" }, "From ", traces.map((t, i) => [i ? ", " : "", EW.fileLink(r.tree, t.path, t.path.split("/").slice(-2).join("/")), ` (${t.phase}, ${t.samples} samples)`]), r.ranges ? `. Ranges while testing: ${r.ranges[0]} V, ${r.ranges[1]} A.` : null));
    if (testing.bad.length) figure.append(EW.asTable(["Line of the power log", "Seconds", "Watts"], testing.bad.map(([i, line]) => [String(line), testing.ms[i] / 1000, testing.watts[i] ?? "no number"])));
  };

  const lines = ([path, from, to]) => path.split("/").slice(-2).join("/") + (from ? to && to !== from ? ` lines ${from}–${to}` : ` line ${from}` : "");
  const numbers = (box, r, detail) => {
    if (!detail.numbers.length) return;
    const row = (n) => EW.el("tr", {}, EW.el("th", { scope: "row" }, names[n.name] ?? n.name), EW.el("td", { class: "num", title: String(n.value) }, `${EW.number(n.value)} ${EW.unit(n.unit)}`),
      EW.el("td", {}, n.sources.map((s) => EW.el("div", {}, EW.fileLink(r.tree, s[0], lines(s))))),
      EW.el("td", {}, n.formula ? EW.el("details", {}, EW.el("summary", {}, "Recompute"), EW.el("div", { class: "box" }, EW.el("div", { class: "muted small" }, n.formula), EW.el("code", {}, `${n.filled} = ${n.value}`))) : EW.el("span", { class: "muted small" }, "as written")));
    box.append(EW.el("h3", {}, "Where the numbers come from"), EW.el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Where the numbers come from" }, EW.el("table", { class: "plain", id: "numbers" },
      EW.el("thead", {}, EW.el("tr", {}, ["Number", "Value", "Files and lines", "Formula"].map((h) => EW.el("th", { scope: "col" }, h)))), EW.el("tbody", {}, detail.numbers.map(row)))));
  };
  const latency = (box, latencies) => {
    const figure = EW.el("figure", { class: "picture" });
    box.append(EW.el("h3", {}, "Latency"), figure);
    EW.latencyPicture(figure, latencies);
    figure.append(EW.asTable(["Percentile", "Milliseconds"], latencies));
  };

  EW.finding = (f) => EW.el("section", { class: "finding " + (/^(error|warning)$/.test(f.severity) ? f.severity : "note"), "aria-label": f.rule },
    EW.el("div", { class: "head" }, EW.badge(f.severity), EW.el("strong", {}, f.rule), f.waived ? EW.badge("waived") : null, f.known ? EW.badge("known") : null, f.forgiven ? EW.badge("forgiven") : null, f.reference ? EW.el("span", { class: "muted small" }, "fails the official checker too") : null),
    EW.el("p", {}, EW.cut(f.message, 1200)),
    f.found || f.wanted ? EW.el("p", { class: "small" }, "Found ", EW.el("code", {}, EW.cut(f.found || "–", 400)), ", wanted ", EW.el("code", {}, EW.cut(f.wanted || "–", 400))) : null,
    EW.el("p", { class: "small" }, EW.fileLink(f.tree, f.path), f.line ? ` line ${f.line}` : "", f.pointer ? ` at ${EW.cut(f.pointer, 200)}` : ""),
    f.waiver ? EW.el("p", { class: "small" }, "Waived: ", EW.cut(f.waiver)) : null,
    EW.el("details", { class: "small" }, EW.el("summary", {}, "Why, and what to do"), EW.el("p", {}, EW.cut(f.why, 2000)), EW.el("p", {}, EW.cut(f.fix, 2000)), f.link ? EW.el("p", {}, EW.outLink(f.link, f.link)) : null));

  EW.showFindings = ({ results }) => {
    const numbers = [...new Set(results.flatMap((r) => r.findings))], first = results[0];
    EW.dialog(`${first.submitter}: ${first.system_name}`,
      EW.el("p", {}, results.map((r) => EW.el("span", {}, EW.el("a", { href: EW.state.resultLink(r), on: { click: () => document.getElementById("dialog").close() } }, EW.cut(`${r.model} ${r.scenario}`, 80)), " ", EW.badge(EW.verdict(r.valid)), "   "))),
      ...(numbers.length ? numbers.map((n) => EW.finding(EW.data.findings[n])) : [EW.el("p", { class: "muted" }, "No findings.")]));
  };
})();
