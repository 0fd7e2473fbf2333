// The table: AG Grid over the rows of a tab, and its state to and from the address.
"use strict";
(() => {
  const { createGrid, themeQuartz, colorSchemeVariable } = window.EdgewattGrid;
  const theme = themeQuartz.withPart(colorSchemeVariable).withParams({
    fontFamily: "inherit", fontSize: 13.5, headerFontSize: 12.5, spacing: 5, wrapperBorderRadius: 8, rowHeight: 36, headerHeight: 32,
    accentColor: "var(--accent)", backgroundColor: "var(--ground)", foregroundColor: "var(--ink)", borderColor: "var(--line)",
    headerBackgroundColor: "var(--raised)", headerTextColor: "var(--ink)", oddRowBackgroundColor: "var(--ground)", cellTextColor: "var(--ink)",
    browserColorScheme: "inherit", headerFontWeight: 600, columnBorder: false, inputPlaceholderTextColor: "var(--quiet)",
  });
  let api = null, kind = "", words = [];
  const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const nonce = document.querySelector('meta[name="edgewatt-style-nonce"]').content;

  EW.grid = {
    get api() { return api; },
    show: (tab, state) => {
      const box = document.getElementById("grid"), phone = window.matchMedia("(max-width: 640px)").matches;
      if (api) api.destroy();
      kind = tab.kind;
      words = wordsOf(state.q ?? "");
      const rows = kind === "systems" ? EW.systemRows(tab.results) : EW.resultRows(tab.results);
      api = createGrid(box, {
        theme, styleNonce: nonce, rowData: rows, columnDefs: kind === "systems" ? EW.systemColumns(rows, phone) : EW.resultColumns(phone),
        getRowId: (p) => p.data.id, defaultColDef: { resizable: true, sortable: true, minWidth: 76, suppressHeaderMenuButton: true },
        isExternalFilterPresent: () => words.length > 0, doesExternalFilterPass: (node) => words.every((word) => node.data.search.includes(word)), animateRows: false, suppressDragLeaveHidesColumns: true, enableCellTextSelection: true, tooltipShowDelay: 400, loading: false,
        ensureDomOrder: true, suppressColumnVirtualisation: false, multiSortKey: "ctrl",
        onFilterChanged: changed, onSortChanged: changed, onColumnVisible: changed, onColumnGroupOpened: changed, onModelUpdated: count,
        onCellKeyDown: (p) => { if (p.event.key === "Enter") p.event.target.closest(".ag-cell")?.querySelector("a, button")?.click(); },
      });
      box.querySelector('[role="grid"],[role="treegrid"]')?.setAttribute("aria-label", tab.title);
      restore(state);
      count();
    },
    search: (text) => { words = wordsOf(text); api.onFilterChanged(); },
    openAll: (open) => {
      for (const { groupId } of api.getColumnGroupState()) if (groupId.startsWith("s|")) api.setColumnGroupOpened(groupId, open);
    },
    anyOpen: () => api.getColumnGroupState().some((g) => g.open && g.groupId.startsWith("s|")),
    rows: () => { const found = []; api.forEachNodeAfterFilterAndSort((n) => found.push(n.data)); return found; },
    csv: (name) => EW.download(name, "text/csv;charset=utf-8", api.getDataAsCsv({
      columnKeys: api.getAllDisplayedColumns().map((c) => c.getColId()),
      processCellCallback: (p) => csvSafe(p.value), processHeaderCallback: (p) => csvSafe(p.column.getColDef().headerName),
    })),
    json: (name) => EW.download(name, "application/json", JSON.stringify(EW.grid.rows().flatMap((row) => row.results.map((r) => ({ ...r, tree: EW.data.trees[r.tree].name, findings: r.findings.map((n) => EW.data.findings[n]) }))), null, 1)),
    state: () => {
      const opened = api.getColumnGroupState().filter((g) => g.open && g.groupId.startsWith("s|")).map((g) => g.groupId);
      const columns = api.getColumnState(), usual = new Map(api.getColumns().map((c) => [c.getColId(), Boolean(c.getColDef().hide)]));
      const moved = columns.filter((c) => Boolean(c.hide) !== usual.get(c.colId)).map((c) => c.colId);
      const sort = columns.filter((c) => c.sort).sort((a, b) => a.sortIndex - b.sortIndex).map((c) => [c.colId, c.sort]);
      const filter = api.getFilterModel(), said = (v, empty) => empty ? "" : JSON.stringify(v);
      return { open: said(opened, !opened.length), columns: said(moved, !moved.length), sort: said(sort, !sort.length), filter: said(filter, !Object.keys(filter).length) };
    },
  };

  // Spreadsheets run what begins like a formula.
  const csvSafe = (value) => value === null || value === undefined ? "" : typeof value === "number" ? String(value) : /^[=+\-@\t\r]/.test(value) ? "'" + value : value;

  const parsed = (text, or) => { try { return text ? JSON.parse(text) : or; } catch { return or; } };
  const list = (value) => Array.isArray(value) ? value : [];
  const restore = (state) => {
    for (const group of list(parsed(state.open, []))) if (typeof group === "string") api.setColumnGroupOpened(group, true);
    const known = new Map(api.getColumns().map((c) => [c.getColId(), c]));
    const turned = list(parsed(state.columns, [])).filter((id) => known.has(id));
    const shown = turned.filter((id) => known.get(id).getColDef().hide);
    api.setColumnsVisible(shown, true);
    api.setColumnsVisible(turned.filter((id) => !shown.includes(id)), false);
    const sort = list(parsed(state.sort, [])).filter((s) => Array.isArray(s) && known.has(s[0]));
    if (sort.length) api.applyColumnState({ state: sort.map(([colId, way], sortIndex) => ({ colId, sort: way === "desc" ? "desc" : "asc", sortIndex })) });
    const filter = parsed(state.filter, null);
    if (filter && typeof filter === "object") try { api.setFilterModel(filter); } catch { /* a link of another page */ }
  };

  let waiting = 0;
  const changed = () => { clearTimeout(waiting); waiting = setTimeout(() => EW.noteState(), 60); };
  const count = () => {
    if (!api) return;
    const shown = api.getDisplayedRowCount(), what = kind === "systems" ? "rows" : "results";
    document.getElementById("count").textContent = `${shown.toLocaleString("en-US")} ${what} shown`;
  };

  // A row of group headers without any is none for screen readers either.
  const tidy = () => { for (const row of document.querySelectorAll("#grid .ag-header-row")) { const empty = row.childElementCount === 0; if (empty === (row.getAttribute("role") === "row")) { row.setAttribute("role", empty ? "presentation" : "row"); row.toggleAttribute("inert", empty); } } };
  new MutationObserver(tidy).observe(document.getElementById("grid"), { childList: true, subtree: true });

  window.addEventListener("beforeprint", () => { if (api && api.getDisplayedRowCount() <= 2000) api.setGridOption("domLayout", "print"); });
  window.addEventListener("afterprint", () => { if (api) api.setGridOption("domLayout", "normal"); });
})();
