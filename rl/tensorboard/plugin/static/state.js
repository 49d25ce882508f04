// What the user has chosen. It is kept in the browser, since a tab's page has no address of its own.

const KEY = `gradients ${window.parent === window ? location.pathname : parentPath()}`;
const DEFAULTS = {
  view: "overview",
  filter: "",
  hidden: [],
  toggled: [],
  run: null,
  quantity: "cosine",
  a: null,
  b: null,
  foldedQuantity: "ratio",
  step: null,
  layer: null,
  smoothing: 0.6,
  extra: false,
  unit: true,
  scope: "global",
  theme: "auto",
  help: true,
};

function parentPath() {
  try {
    return window.parent.location.pathname;
  } catch {
    return "";
  }
}

/** The choices as they were left; anything that does not look like one is the default. */
export function loadState() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    // Nothing was kept, or the browser keeps nothing.
  }
  const state = { ...DEFAULTS };
  for (const [key, value] of Object.entries(DEFAULTS)) {
    const alike = value === null ? ["string", "number"].includes(typeof kept[key]) : typeof kept[key] === typeof value;
    if (alike && Array.isArray(kept[key]) === Array.isArray(value)) state[key] = kept[key];
  }
  return state;
}

/** Keeps them. */
export function saveState(state) {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // A browser that keeps nothing loses the choices, and nothing else.
  }
}
