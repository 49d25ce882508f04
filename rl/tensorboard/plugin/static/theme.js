// Colours, light and dark. The palettes follow Paul Tol's bright and light schemes and that of Okabe and Ito, which can
// be told apart with every kind of colour vision; lines that share a colour differ in their dashes.

/** {name: [light, dark]}. */
const COLOURS = {
  dark: [false, true],
  text: ["#212121", "#f1f3f4"],
  faint: ["#5f6368", "#b0b5ba"],
  line: ["#dadce0", "#4a4d51"],
  background: ["#ffffff", "#303030"],
  band: ["rgba(95, 99, 104, 0.16)", "rgba(200, 205, 210, 0.16)"],
  nothing: ["#e4e4e4", "#454545"],
  middle: ["#f7f7f7", "#3b3b3b"],
  series: [
    ["#4477aa", "#ee6677", "#a28a00", "#228833", "#aa3377", "#0e8fb3", "#555555", "#332288", "#9a5b13"],
    ["#77aadd", "#ff8f9c", "#eedd88", "#66cc77", "#dd88bb", "#66ccee", "#cccccc", "#b3a5ff", "#e0a96d"],
  ],
  pairs: [
    ["#212121", "#c25100", "#7b3fa0", "#00806a", "#8a5a2b", "#0b6e8f", "#a3195b", "#5c6b00"],
    ["#ffffff", "#ffb14e", "#c9a0ff", "#5fe0c4", "#d9b38c", "#8fd3ff", "#ff9ccb", "#cfe070"],
  ],
  runs: [
    ["#0072b2", "#d55e00", "#009e73", "#b5629a", "#b88600", "#2f8fc4", "#6b6b6b", "#000000"],
    ["#56b4e9", "#e69f00", "#2fc99b", "#de9fc4", "#f0e442", "#8fb8ff", "#bbbbbb", "#ffffff"],
  ],
  ends: [
    ["#b2182b", "#2166ac"],
    ["#f4847a", "#6fb1ea"],
  ],
};
const [LIGHT, DARK] = [0, 1].map((place) =>
  Object.fromEntries(Object.entries(COLOURS).map(([name, pair]) => [name, pair[place]])),
);

const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
const FEW = 3; // colours that must be left over by the objectives for extra rows to use these alone

/** The colours for "light" or "dark"; "auto" follows TensorBoard's own switch, or else the browser's. */
export function theme(choice) {
  return choice === "dark" || (choice !== "light" && hostIsDark()) ? DARK : LIGHT;
}

/** Calls back when TensorBoard or the browser changes between light and dark. */
export function onHostTheme(callback) {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
  const body = hostBody();
  if (body) new MutationObserver(callback).observe(body, { attributes: true, attributeFilter: ["class"] });
}

function hostBody() {
  try {
    return window.parent === window ? null : window.parent.document.body;
  } catch {
    return null; // another origin
  }
}

function hostIsDark() {
  const body = hostBody();
  return body ? body.classList.contains("dark-mode") : window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/**
 * A row's colour and dashes, by its place among the rows: objectives are solid, extra rows are dashed.
 *
 * @param rows the names of all rows, the objectives first.
 */
export function rowStyle({ series }, name, rows, numObjectives = rows.length) {
  const place = Math.max(0, rows.indexOf(name));
  if (place < numObjectives) return styleAt(series, place, 0);
  const [taken, left] = [series.slice(0, numObjectives), series.slice(numObjectives)];
  const palette = left.length >= FEW ? left : [...left, ...taken];
  return styleAt(palette, place - numObjectives, Math.max(1, Math.ceil(numObjectives / series.length)));
}

/** The style of the k-th pair of rows; no row has these colours. */
export function pairStyle(colors, k) {
  return styleAt(colors.pairs, k, 0);
}

function styleAt(palette, k, firstDash) {
  return {
    color: palette[k % palette.length],
    dash: DASHES[(firstDash + Math.floor(k / palette.length)) % DASHES.length],
  };
}

/** The style of the k-th line in a chart whose lines are not rows. */
export function lineStyle(palette, k) {
  return styleAt(palette, k, 0);
}

/** A line's style as the CSS background of a small box: its colour, with the line's gaps. */
export function swatchFill({ color, dash }) {
  if (!dash.length) return color;
  let at = 0;
  const stops = dash.map((length, k) => `${k % 2 ? "transparent" : color} ${at}px ${(at += length)}px`);
  return `repeating-linear-gradient(90deg, ${stops.join(", ")})`;
}

const VIRIDIS = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"];

/** A colour between 0 and 1 along viridis. */
export function sequential(x) {
  return mixed(VIRIDIS, x);
}

/** A colour for −1 (red) to 1 (blue), neutral at 0. */
export function diverging(colors, x) {
  return mixed([colors.ends[0], colors.middle, colors.ends[1]], (x + 1) / 2);
}

/** Black or white, whichever has the higher contrast on a colour. */
export function readableOn(color) {
  const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = color.match(/\d+/g).map((channel) => linear(channel / 255));
  // Relative luminance; at 0.179 black and white have the same contrast (WCAG 2.1).
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

function mixed(stops, x) {
  const place = Math.min(Math.max(x, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const channels = [1, 3, 5].map((at) => {
    const [a, b] = [stops[low], stops[low + 1]].map((stop) => parseInt(stop.slice(at, at + 2), 16));
    return Math.round(a + (place - low) * (b - a));
  });
  return `rgb(${channels.join(", ")})`;
}
