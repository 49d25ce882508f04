// The user's choices. They are kept in the browser's storage, since the tab has no address of its own to hold them.

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

/** The stored choices; the default for every choice that is missing or has another type. */
export function loadState() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    // Nothing is stored, or the browser stores nothing.
  }
  const state = { ...DEFAULTS };
  for (const [key, value] of Object.entries(DEFAULTS)) {
    const alike = value === null ? ["string", "number"].includes(typeof kept[key]) : typeof kept[key] === typeof value;
    if (alike && Array.isArray(kept[key]) === Array.isArray(value)) state[key] = kept[key];
  }
  return state;
}

/** Stores the choices. */
export function saveState(state) {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // Without storage the choices are lost on reload, and nothing else.
  }
}
