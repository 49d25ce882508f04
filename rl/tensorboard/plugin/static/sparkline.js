// A sparkline: a small line without axes, with its last number.

import { number } from "./format.js";
import { extent, padded, scale } from "./scales.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [110, 26];

/**
 * An element with the line of { steps, values, color }, and above it a title and the last number.
 *
 * @param options log; range ([low, high], for fixed ends); show (a number as text).
 */
export function sparkline(title, { steps, values, color }, { log = false, range = null, show = number } = {}) {
  const root = document.createElement("div");
  root.className = "spark";
  const last = values.findLast((x) => x !== null);
  const found = range ?? extent([values], log);
  const head = root.appendChild(document.createElement("span"));
  head.append(`${title} `, Object.assign(document.createElement("b"), { textContent: show(last) }));
  const picture = root.appendChild(made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }));
  if (!found || !steps.length) return root;
  const lonely = steps.at(-1) > steps[0] ? 0 : 1;
  const x = scale(steps[0] - lonely, steps.at(-1) + lonely, 2, WIDTH - 2);
  const y = scale(...(range ?? padded(found, log)), HEIGHT - 2, 2, log);
  picture.append(made("path", { d: path(steps, values, x, y), fill: "none", stroke: color, "stroke-width": 1.5 }));
  const end = values.findLastIndex((value) => y(value) !== null);
  if (end >= 0) picture.append(made("circle", { cx: x(steps[end]), cy: y(values[end]), r: 2, fill: color }));
  return root;
}

function path(steps, values, x, y) {
  let pen = "M";
  const moves = values.map((value, k) => {
    const at = y(value);
    const move = at === null ? "" : `${pen}${x(steps[k]).toFixed(1)} ${at.toFixed(1)}`;
    pen = at === null ? "M" : "L";
    return move;
  });
  return moves.join("");
}

function made(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
