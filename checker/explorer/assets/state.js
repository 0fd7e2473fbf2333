// What is shown stands in the fragment of the address, so that a link shows the same: #tab=…&q=…&sort=…
"use strict";
EW.state = {
  get: () => {
    const found = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    return location.hash.includes("=") ? found : {};
  },
  text: (values) => {
    const kept = Object.entries(values).filter(([, v]) => v !== "" && v !== null && v !== undefined);
    return "#" + new URLSearchParams(kept).toString();
  },
  // Another view is a step of the history; a change within a view is not.
  go: (values) => { location.hash = EW.state.text(values); },
  note: (values) => { history.replaceState(null, "", EW.state.text(values)); },
  nameOf: (r) => `${EW.data.trees[r.tree].name}:${r.path}`,
  resultLink: (r) => EW.state.text({ result: EW.state.nameOf(r) }),
  resultOf: (text) => EW.data.results.find((r) => EW.state.nameOf(r) === text),
};
