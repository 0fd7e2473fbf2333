// A stretch of a picture over time: by buttons, keys, dragging, wheel with Ctrl and two fingers; the caller keeps it.
"use strict";
(() => {
  const FACTOR = 2, STEP = 0.25;
  // A stretch that lies in the whole one and is no shorter than the least; the whole one where nothing else is left.
  EW.stretch = ([from, to], [low, high], least) => {
    if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from || from >= high || to <= low) return [low, high];
    const length = Math.min(high - low, Math.max(least, to - from)), middle = (from + to) / 2;
    const begin = Math.min(Math.max(low, middle - length / 2), high - length);
    return [begin, begin + length];
  };

  // `whole` and `window` are pairs of seconds, `start` a pair or null; `told` is called with a pair, or null for the whole.
  EW.zoom = (chart, { whole, window: inner, least, start, told, extra }) => {
    const canvas = chart.canvas, holder = canvas.parentElement, status = EW.el("span", { class: "muted small shown", role: "status" });
    let shown = whole, selection = null;
    const near = (a, b) => Math.abs(a - b) < 1e-9 * (whole[1] - whole[0]);
    const isWhole = () => near(shown[0], whole[0]) && near(shown[1], whole[1]);
    const show = (wanted, quiet) => {
      shown = EW.stretch(wanted, whole, least);
      Object.assign(chart.options.scales.x, isWhole() ? { min: undefined, max: undefined } : { min: shown[0], max: shown[1] });
      chart.update("none");
      status.textContent = isWhole() ? `All ${EW.number(whole[1] - whole[0])} s are shown` : `${seconds(shown[0])} to ${seconds(shown[1])} of ${seconds(whole[0])} to ${seconds(whole[1])} s are shown`;
      for (const [button, idle] of buttons) button.setAttribute("aria-disabled", String(idle()));
      if (!quiet) told(isWhole() ? null : shown);
    };
    const seconds = (value) => EW.number(Math.round(value * 1000) / 1000).replace("-", "−");
    const by = (factor, at = (shown[0] + shown[1]) / 2) => show([at - (at - shown[0]) * factor, at + (shown[1] - at) * factor]);
    const move = (share) => { const d = share * (shown[1] - shown[0]); show([shown[0] + d, shown[1] + d]); };
    const acts = {
      in: () => by(1 / FACTOR), out: () => by(FACTOR), earlier: () => move(-STEP), later: () => move(STEP), all: () => show(whole), window: () => show(inner),
      begin: () => show([whole[0], whole[0] + shown[1] - shown[0]]), end: () => show([whole[1] - shown[1] + shown[0], whole[1]]),
    };
    const keys = { "+": "in", "=": "in", "-": "out", "_": "out", ArrowLeft: "earlier", ArrowRight: "later", Home: "begin", End: "end", "0": "all", Escape: "all", w: "window" };
    const buttons = [];
    const button = (act, words, label, idle) => {
      const made = EW.el("button", { type: "button", "data-zoom": act, "aria-label": label, title: label, on: { click: () => { if (!idle()) acts[act](); } } }, words);
      buttons.push([made, idle]);
      return made;
    };
    const tools = EW.el("div", { class: "toolbar zoom", role: "group", "aria-label": "Stretch of time that is shown" },
      button("in", "+", "Zoom in", () => shown[1] - shown[0] <= least * 1.0001), button("out", "−", "Zoom out", isWhole),
      button("earlier", "←", "Earlier", () => near(shown[0], whole[0])), button("later", "→", "Later", () => near(shown[1], whole[1])),
      button("window", "Window", "Window of LoadGen", () => near(shown[0], Math.max(inner[0], whole[0])) && near(shown[1], Math.min(inner[1], whole[1]))),
      button("all", "Reset", "Reset: show all", isWhole), extra ?? null, status);
    for (const [name, value] of Object.entries({ tabindex: "0", role: "group", "aria-label": "Power over time: plus and minus zoom, arrows move, 0 shows all" })) holder.setAttribute(name, value);
    holder.classList.add("zoomable");
    holder.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      acts[act]();
    });

    // Seconds under a point of the screen.
    const at = (event) => chart.scales.x.getValueForPixel(Math.min(chart.chartArea.right, Math.max(chart.chartArea.left, event.clientX - canvas.getBoundingClientRect().left)));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      by(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 100))), at(event));
    }, { passive: false });
    canvas.addEventListener("dblclick", acts.all);

    // A mouse marks a stretch, with Shift it moves the picture; a finger moves it, two stretch it.
    const down = new Map();
    let grip = null;
    const hold = () => { grip = { shown, at: [...down.values()].map((event) => at(event)).sort((a, b) => a - b) }; };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      down.set(event.pointerId, event);
      canvas.setPointerCapture(event.pointerId);
      selection = event.pointerType === "mouse" && !event.shiftKey ? [at(event), at(event)] : null;
      hold();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!down.has(event.pointerId)) return;
      down.set(event.pointerId, event);
      if (selection) { selection[1] = at(event); chart.draw(); return; }
      const now = [...down.values()].map((e) => at(e)).sort((a, b) => a - b);
      // What lay under the fingers when they came down lies under them still.
      const scale = now.length > 1 && now[1] > now[0] ? (grip.at[1] - grip.at[0]) / (now[1] - now[0]) : 1;
      const length = (shown[1] - shown[0]) * scale, from = grip.at[0] - (now[0] - shown[0]) * scale;
      show([from, from + length]);
    });
    const release = (event) => {
      if (!down.delete(event.pointerId)) return;
      const marked = selection;
      selection = null;
      hold();
      if (marked && event.type === "pointerup" && Math.abs(chart.scales.x.getPixelForValue(marked[1]) - chart.scales.x.getPixelForValue(marked[0])) > 6) show([Math.min(...marked), Math.max(...marked)]);
      else if (marked) chart.draw();
    };
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, release);
    chart.marked = () => selection;
    show(start ?? whole, true);
    return tools;
  };

  // Drawn over the picture while a stretch is being marked.
  EW.marking = {
    id: "marking",
    afterDraw: (chart) => {
      const marked = chart.marked?.();
      if (!marked) return;
      const { ctx, chartArea: a, scales: { x } } = chart, [left, right] = marked.map((s) => x.getPixelForValue(s)).sort((p, q) => p - q);
      ctx.save();
      ctx.globalAlpha = 0.2; ctx.fillStyle = EW.colour("accent"); ctx.fillRect(left, a.top, right - left, a.bottom - a.top);
      ctx.restore();
    },
  };
})();
