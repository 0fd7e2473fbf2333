// Pictures by Chart.js, each with a table of its numbers for those who do not see it.
"use strict";
(() => {
  const Chart = window.EdgewattChart;
  const alive = new Set();
  EW.series = () => EW.shade() === "dark" ? ["#79b8f3", "#f2b35e", "#7fd7a2", "#e59bd0", "#c3b0ff", "#8ad6d6", "#ff9c9c", "#c9cf6a"] : ["#0b5fa5", "#b35900", "#1b7a43", "#9c2c7c", "#5b46b8", "#0f7373", "#a51d24", "#6a7009"];

  EW.draw = (box, config, height, label) => {
    const canvas = EW.el("canvas", { role: "img", "aria-label": label });
    const holder = EW.el("div", {}, canvas);
    holder.style.height = height + "px";
    box.append(holder);
    const ink = EW.colour("quiet"), line = EW.colour("line");
    for (const axis of Object.values(config.options.scales ?? {})) {
      axis.grid = { color: line, ...axis.grid };
      axis.ticks = { color: ink, ...axis.ticks };
      if (axis.title) axis.title = { display: true, color: ink, ...axis.title };
    }
    const options = { responsive: true, maintainAspectRatio: false, animation: false, ...config.options };
    options.plugins = { legend: { display: false }, ...config.options.plugins };
    const made = new Chart(canvas, { ...config, options });
    alive.add(made);
    return made;
  };
  EW.forgetPictures = () => { for (const chart of alive) chart.destroy(); alive.clear(); };
  EW.asTable = (heads, rows) => EW.el("details", { class: "small" }, EW.el("summary", {}, "The numbers of this picture"),
    EW.el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Numbers of the picture" }, EW.el("table", { class: "plain" },
      EW.el("thead", {}, EW.el("tr", {}, heads.map((h) => EW.el("th", { scope: "col" }, h)))),
      EW.el("tbody", {}, rows.map((row) => EW.el("tr", {}, row.map((c) => EW.el("td", { class: typeof c === "number" ? "num" : "" }, c instanceof Node ? c : typeof c === "number" ? EW.number(c) : EW.cut(c, 120)))))))));

  const bands = (trace, average, u95) => ({
    id: "bands",
    beforeDatasetsDraw: ({ ctx, chartArea: a, scales: { x, y } }) => {
      ctx.save();
      const band = (from, to, colour, alpha) => {
        const left = Math.max(a.left, x.getPixelForValue(from)), right = Math.min(a.right, x.getPixelForValue(to));
        if (right <= left) return;
        ctx.globalAlpha = alpha; ctx.fillStyle = colour; ctx.fillRect(left, a.top, Math.max(1, right - left), a.bottom - a.top);
      };
      band(0, trace.window_s, EW.colour("window"), 0.28);
      for (const [from, to] of trace.gaps) band(from, to, EW.colour("gap"), 0.4);
      if (average !== null && u95 !== null) {
        const left = Math.max(a.left, x.getPixelForValue(0)), right = Math.min(a.right, x.getPixelForValue(trace.window_s));
        const top = Math.max(a.top, y.getPixelForValue(average + u95)), bottom = Math.min(a.bottom, y.getPixelForValue(average - u95));
        ctx.globalAlpha = 0.18; ctx.fillStyle = EW.colour("average");
        if (right > left && bottom > top) ctx.fillRect(left, top, right - left, Math.max(1, bottom - top));
      }
      ctx.globalAlpha = 1; ctx.strokeStyle = EW.colour("quiet"); ctx.setLineDash([4, 3]);
      for (const at of [0, trace.window_s]) { const px = x.getPixelForValue(at); if (px < a.left || px > a.right) continue; ctx.beginPath(); ctx.moveTo(px, a.top); ctx.lineTo(px, a.bottom); ctx.stroke(); }
      ctx.restore();
    },
  });

  // Power over time of testing, with ranging behind it on the same clock of seconds since each window's begin.
  EW.powerPicture = (box, traces, average, u95, zoom) => {
    const testing = traces.find((t) => t.phase === "testing") ?? traces[traces.length - 1];
    const points = (t) => { const bad = new Set(t.bad.map((b) => b[0])); return t.ms.map((ms, i) => ({ x: ms / 1000, y: bad.has(i) ? null : t.watts[i] })); };
    const broken = (t) => withGaps(points(t), t.gaps);
    const mostly = testing.watts.filter((w, i) => w !== null && !testing.bad.some((b) => b[0] === i));
    const low = Math.min(...mostly, Infinity);
    const bad = testing.bad.map(([i]) => ({ x: testing.ms[i] / 1000, y: Math.max(testing.watts[i] ?? low, Math.min(0, low)) })).filter((p) => Number.isFinite(p.y));
    const datasets = [{ label: "testing", data: broken(testing), borderColor: EW.colour("power"), borderWidth: 1.5, pointRadius: 0, stepped: "after", spanGaps: false, order: 1 }];
    const ranging = traces.find((t) => t.phase === "ranging" && t !== testing);
    if (ranging) datasets.push({ label: "ranging", data: broken(ranging), borderColor: EW.colour("quiet"), borderWidth: 1, pointRadius: 0, stepped: "after", spanGaps: false, order: 3 });
    if (bad.length) datasets.push({ label: "no reading", type: "scatter", data: bad, pointBackgroundColor: EW.colour("gap"), pointBorderColor: EW.colour("gap"), pointRadius: 4, order: 0 });
    if (average !== null) datasets.push({ label: "average", data: [{ x: 0, y: average }, { x: testing.window_s, y: average }], borderColor: EW.colour("average"), borderDash: [6, 4], borderWidth: 1.5, pointRadius: 0, order: 0 });
    const chart = EW.draw(box, {
      type: "line", data: { datasets }, plugins: [bands(testing, average, u95), EW.marking],
      options: {
        parsing: false, normalized: true, interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: { x: { type: "linear", title: { text: "seconds since the window's begin" }, bounds: "data", afterBuildTicks: (axis) => { axis.ticks = round(axis.min, axis.max, box.clientWidth < 500 ? 4 : 9); } }, y: { title: { text: "watts" }, grace: "6%" } },
        plugins: { tooltip: { callbacks: { title: (items) => items.length ? EW.number(items[0].parsed.x) + " s" : "", label: (i) => `${i.dataset.label}: ${EW.number(i.parsed.y)} W` } } },
      },
    }, 320, `Power over time: ${testing.samples} samples, window of ${EW.number(testing.window_s)} s, ${testing.gaps.length} gaps, ${testing.bad.length} samples that are no reading`);
    const times = traces.flatMap((t) => [t.ms[0], t.ms[t.ms.length - 1]]).map((ms) => ms / 1000), whole = [Math.min(0, ...times), Math.max(testing.window_s, ...times)];
    if (whole[1] > whole[0]) box.append(EW.zoom(chart, { whole, window: [0, testing.window_s], least: Math.min(whole[1] - whole[0], 4 * (whole[1] - whole[0]) / Math.max(4, testing.ms.length)), ...zoom }));
  };
  // Round values between two, about so many.
  const round = (low, high, about) => {
    const raw = (high - low) / about, ten = 10 ** Math.floor(Math.log10(raw)), step = ten * [1, 2, 5, 10].find((m) => m * ten >= raw * 0.999);
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high; n++) found.push({ value: n * step });
    return found;
  };
  // A line breaks where time is missing.
  const withGaps = (points, gaps) => gaps.length ? [...points, ...gaps.map(([a, b]) => ({ x: (a + b) / 2, y: null }))].sort((a, b) => a.x - b.x) : points;

  EW.latencyPicture = (box, latencies) => {
    const data = latencies.map(([percentile, ms]) => ({ x: percentile, y: ms }));
    EW.draw(box, {
      type: "line", data: { datasets: [{ data, borderColor: EW.colour("power"), backgroundColor: EW.colour("power"), pointRadius: 4, borderWidth: 1.5 }] },
      options: {
        parsing: false,
        scales: { x: { type: "linear", min: 0, max: 100, title: { text: "percentile of the queries" } }, y: { type: data.every((d) => d.y > 0) ? "logarithmic" : "linear", title: { text: "latency in ms" } } },
        plugins: { tooltip: { callbacks: { title: (i) => i[0].parsed.x === 0 ? "least" : i[0].parsed.x === 100 ? "largest" : `${i[0].parsed.x} %`, label: (i) => `${EW.number(i.parsed.y)} ms` } } },
      },
    }, 260, "Latency by percentile of the queries");
  };
})();
