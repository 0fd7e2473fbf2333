// The columns of the tables: those of the public page of results, and one expandable group per benchmark and scenario.
"use strict";
(() => {
  const link = (p, r, text, title) => EW.el("a", { class: "cell-link" + (r.valid ? "" : " invalid-number"), href: EW.state.resultLink(r), title, tabindex: "-1" }, text);
  const order = ["SingleStream", "MultiStream", "Server", "Interactive", "Offline"];
  const text = (colId, headerName, of, more = {}) => ({
    colId, headerName, valueGetter: (p) => of(p.data), filter: "agTextColumnFilter", floatingFilter: true, suppressFloatingFilterButton: true, suppressHeaderFilterButton: true, cellDataType: false,
    cellRenderer: (p) => EW.el("span", { title: EW.cut(p.value ?? "", 2000) }, EW.cut(p.value ?? "")), ...more,
  });
  const number = (colId, headerName, of, more = {}) => ({
    colId, headerName, valueGetter: (p) => of(p.data) ?? null, filter: "agNumberColumnFilter", floatingFilter: true, suppressHeaderFilterButton: true, filterParams: { defaultOption: "greaterThanOrEqual", maxNumConditions: 2 }, cellDataType: false,
    type: "rightAligned", width: 118, valueFormatter: (p) => typeof p.value === "number" ? EW.number(p.value) : "", comparator: compare, ...more,
  });
  // Empty cells stay at the end, whichever way a column is sorted.
  const compare = (a, b, _a, _b, down) => a === null ? (b === null ? 0 : down ? -1 : 1) : b === null ? (down ? 1 : -1) : a - b;

  // Rows of a tab: one per submitter, system and software of a tree; in the open division also per model used.
  EW.systemRows = (results) => {
    const rows = new Map();
    for (const r of results) {
      const key = JSON.stringify([r.tree, r.division, r.submitter, r.system, r.division === "open" ? r.benchmark : ""]);
      let row = rows.get(key);
      if (!row) rows.set(key, row = { id: key, first: r, results: [], cells: {} });
      row.results.push(r);
      row.cells[r.model + "|" + r.scenario] = r;
    }
    for (const row of rows.values()) row.search = `${searchText(row.first)} ${row.results.map((r) => r.model + " " + r.scenario).join(" ")}`.toLowerCase();
    return [...rows.values()];
  };
  const searchText = (r) => [r.round, r.submitter, r.system, r.system_name, r.software, r.processor, r.accelerator, r.availability, r.model, r.benchmark, r.scenario, r.model_used, r.notes].join(" ");

  const openFile = (p, path) => path ? EW.fileLink(p.data.first.tree, path, "open") : "";
  const verdictCell = (p) => {
    const bad = p.data.results.filter((r) => !r.valid).length, all = p.data.results.length;
    const word = bad === 0 ? "valid" : bad === all ? "invalid" : `${bad} of ${all} invalid`;
    return EW.badge(word, { kind: bad ? "invalid" : "valid", title: "Show the findings", tabindex: "-1", on: { click: () => EW.showFindings(p.data) } });
  };

  EW.systemColumns = (rows, phone) => {
    const first = (of) => (row) => of(row.first);
    const open = rows.some((row) => row.first.division === "open"), pinned = phone ? null : "left";
    const has = (field) => rows.some((row) => row.first[field]);
    const software = text("software", "Software", first((r) => r.software), { width: 210 });
    const computes = [
      ["processor", text("processor", "Processor and count", first((r) => r.processor), { width: 200 })],
      ["accelerator", text("accelerator", "Accelerator and count", first((r) => r.accelerator), { width: 215 })],
    ];
    const of = (wanted) => computes.filter(([field]) => has(field) === wanted).map(([, column]) => column);
    // What tells rows apart stands before the numbers, what is read of one row behind them.
    const before = [
      text("submitter", "Submitter", first((r) => r.submitter), { pinned, width: 125 }),
      text("system", "System", first((r) => r.system_name), { pinned: "left", width: phone ? 150 : 265 }),
      text("round", "Round", first((r) => r.round), { width: 92, hide: EW.data.trees.length < 2 }),
      text("tree", "Tree", first((r) => EW.data.trees[r.tree].name), { width: 120, hide: true }),
      text("verdict", "Verdict", (row) => row.results.every((r) => r.valid) ? "valid" : "invalid", { width: 112, cellRenderer: verdictCell }),
      ...(open ? [text("model_used", "Model used", first((r) => r.model_used), { width: 210 })] : []),
      ...of(true),
    ];
    const behind = [
      software, ...of(false),
      text("availability", "Availability", first((r) => r.availability), { width: 120 }),
      text("details", "Details", first((r) => r.details), { width: 92, floatingFilter: false, sortable: false, cellRenderer: (p) => openFile(p, p.data.first.details) }),
      text("code", "Code", first((r) => r.code), { width: 92, floatingFilter: false, sortable: false, cellRenderer: (p) => openFile(p, p.data.first.code) }),
      ...(open ? [text("notes", "Notes", first((r) => r.notes), { width: 240 })] : []),
    ];
    return [...before, ...benchmarkGroups(rows), ...behind];
  };

  const benchmarkGroups = (rows) => {
    const models = new Map();
    for (const row of rows) for (const r of row.results) {
      if (!models.has(r.model)) models.set(r.model, new Map());
      const scenarios = models.get(r.model);
      if (!scenarios.has(r.scenario)) scenarios.set(r.scenario, []);
      scenarios.get(r.scenario).push(r);
    }
    return [...models].sort(([a], [b]) => a < b ? -1 : 1).map(([model, scenarios]) => ({
      headerName: EW.cut(model, 60), groupId: "m|" + model, marryChildren: true,
      children: [...scenarios].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b) || (a < b ? -1 : 1)).map(([scenario, found]) => scenarioGroup(model, scenario, found)),
    }));
  };

  const scenarioGroup = (model, scenario, found) => {
    const key = model + "|" + scenario, at = (row) => row.cells[key], units = new Set(found.map((r) => r.unit).filter(Boolean));
    const of = (field) => (row) => at(row)?.[field] ?? null;
    const one = (set) => set.size === 1 ? [...set][0] : "";
    const unit = EW.unit(one(units)), power = found.filter((r) => r.power_name), powerUnit = one(new Set(power.map((r) => r.power_unit)));
    const cell = (format) => (p) => p.data && at(p.data) && p.value !== null && p.value !== undefined ? link(p, at(p.data), format(p.value, at(p.data)), String(p.value)) : "";
    const value = (v, r) => EW.number(v) + (unit ? "" : " " + EW.unit(r.unit));
    const children = [
      number(key + "|value", unit || "Result", of("value"), { headerTooltip: `${EW.cut(model, 60)} ${EW.cut(scenario, 30)}: performance`, cellRenderer: cell(value) }),
    ];
    if (power.length) {
      const label = EW.powerLabel(power[0]);
      children.push(number(key + "|power_value", powerUnit ? `${label} (${powerUnit})` : label, of("power_value"), { width: 176, cellRenderer: cell((v, r) => EW.number(v) + (powerUnit ? "" : " " + r.power_unit)) }));
    }
    const opened = { columnGroupShow: "open" };
    if (found.length) children.push(text(key + "|accuracy", "Accuracy", (row) => at(row) ? EW.accuracy(at(row)) : "", { ...opened, width: 150 }));
    if (!unit) children.push(text(key + "|unit", "Unit", (row) => at(row) ? EW.unit(at(row).unit) : "", { ...opened, width: 100 }));
    if (power.length) children.push(
      number(key + "|average_watts", "Average W", of("average_watts"), opened),
      number(key + "|samples_per_joule", EW.efficiencyUnit(power[0]), of("samples_per_joule"), opened),
      number(key + "|average_u95_w", "u95 (W)", of("average_u95_w"), { ...opened, width: 96, headerTooltip: "How far the average power may be off (95 %), where meter and ranges are known" }),
      number(key + "|coverage", "Coverage", of("coverage"), { ...opened, width: 104, valueFormatter: (p) => typeof p.value === "number" ? EW.percent(p.value) : "" }),
    );
    children.push(text(key + "|verdict", "Verdict", (row) => at(row) ? EW.verdict(at(row).valid) : "", {
      ...opened, width: 104, cellRenderer: (p) => p.value ? EW.badge(p.value, { title: "Show the findings", tabindex: "-1", on: { click: () => EW.showFindings({ results: [at(p.data)] }) } }) : "",
    }));
    return { headerName: EW.cut(scenario, 40), groupId: "s|" + key, marryChildren: true, openByDefault: false, children };
  };

  EW.resultRows = (results) => results.map((r) => ({ id: String(r.id), first: r, results: [r], cells: {}, search: searchText(r).toLowerCase() }));
  EW.resultColumns = (phone) => {
    const first = (of) => (row) => of(row.first), cell = (p) => p.value === null || p.value === undefined ? "" : link(p, p.data.first, EW.number(p.value), String(p.value));
    return [
      text("submitter", "Submitter", first((r) => r.submitter), { width: 130, pinned: phone ? null : "left" }),
      text("system", "System", first((r) => r.system_name), { width: phone ? 150 : 240, pinned: "left" }),
      text("round", "Round", first((r) => r.round), { width: 90 }),
      text("tree", "Tree", first((r) => EW.data.trees[r.tree].name), { width: 120, hide: true }),
      text("division", "Division", first((r) => r.division), { width: 100 }),
      text("system_type", "Type", first((r) => r.system_type), { width: 110 }),
      text("benchmark", "Benchmark", first((r) => r.model), { width: 150 }),
      text("scenario", "Scenario", first((r) => r.scenario), { width: 125 }),
      number("value", "Result", first((r) => r.value), { cellRenderer: cell }),
      text("unit", "Unit", first((r) => EW.unit(r.unit)), { width: 105 }),
      text("accuracy", "Accuracy", first((r) => EW.accuracy(r)), { width: 150 }),
      text("verdict", "Verdict", first((r) => EW.verdict(r.valid)), { width: 105, cellRenderer: verdictCell }),
      text("reference_verdict", "Official", first((r) => EW.verdict(r.reference_valid)), { width: 100, headerTooltip: "What the official checker of the round says" }),
      number("power_value", "Power", first((r) => r.power_value), { cellRenderer: cell, headerTooltip: "System Power (Server, Offline) or Energy per Stream" }),
      text("power_unit", "Power unit", first((r) => r.power_unit), { width: 112 }),
      number("average_watts", "Average W", first((r) => r.average_watts)),
      number("average_u95_w", "u95 (W)", first((r) => r.average_u95_w), { width: 100 }),
      number("samples_per_joule", "Samples/J", first((r) => r.samples_per_joule)),
      number("coverage", "Coverage", first((r) => r.coverage), { width: 105, valueFormatter: (p) => typeof p.value === "number" ? EW.percent(p.value) : "" }),
      text("availability", "Availability", first((r) => r.availability), { width: 115 }),
      text("software", "Software", first((r) => r.software), { width: 200 }),
      text("processor", "Processor and count", first((r) => r.processor), { width: 200 }),
      text("accelerator", "Accelerator and count", first((r) => r.accelerator), { width: 220 }),
      text("meter", "Meter", first((r) => r.meter), { width: 130, hide: true }),
      text("path", "Path", first((r) => r.path), { width: 320, hide: true }),
    ];
  };
})();
