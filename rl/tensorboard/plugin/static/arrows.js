// Rows as arrows from one point, with their names in columns at both sides.

import { fitted, number, percent } from "./format.js";

const LINE = 13; // pixels from one line of text to the next
const GAP = 14; // pixels between the circle and the names
const FONT = "11px Roboto, Arial, sans-serif";

/**
 * A model of arrows for a figure.
 *
 * @param arrows [{ name, x, y, inside, length, color, dash, thin }]: x and y in the units of the rows, length the norm,
 *   inside the fraction of the norm that lies in the plane of the picture. A name may have several lines.
 * @param options unit: draw unit vectors, so that an arrow is shorter only where it leaves the plane; labels: whether
 *   names are drawn.
 */
export function arrowPicture(arrows, { unit, labels = true }) {
  const drawn = arrows.filter(({ x, y, length }) => Number.isFinite(x) && Number.isFinite(y) && length > 0);
  const scaled = drawn.map((arrow) => {
    const by = unit ? 1 / arrow.length : 1;
    return { ...arrow, px: arrow.x * by, py: arrow.y * by, lines: arrow.name.split("\n") };
  });
  const most = unit ? 1 : Math.max(...scaled.map(({ px, py }) => Math.hypot(px, py)), 1e-300);
  const isRight = ({ px }) => px >= -1e-9;

  /** The arrows with the pixels of their heads and names; names are outside the circle, where no arrow is. */
  function layout(ctx, width, height) {
    ctx.font = FONT;
    const measure = (text) => ctx.measureText(text).width;
    const widest = labels ? Math.max(0, ...scaled.flatMap(({ lines }) => lines.map(measure))) : 0;
    const column = Math.min(widest, width * 0.3);
    const reach = Math.max(10, Math.min(width / 2 - (labels ? column + GAP + 4 : 4), height / 2 - 6));
    const [cx, cy] = [width / 2, height / 2];
    const placed = scaled.map((arrow) => ({
      ...arrow,
      hx: cx + (arrow.px / most) * reach,
      hy: cy - (arrow.py / most) * reach,
      lines: arrow.lines.map((line) => fitted(line, column, measure)),
    }));
    for (const side of [placed.filter(isRight), placed.filter((arrow) => !isRight(arrow))]) stack(side, height);
    return { placed, cx, cy, reach };
  }

  let last = null; // the layout of the last drawing, for the pointer
  function draw(ctx, width, height, colors, cursor) {
    ctx.font = FONT;
    ctx.textBaseline = "middle";
    if (!scaled.length) {
      ctx.fillStyle = colors.faint;
      ctx.textAlign = "center";
      ctx.fillText(labels ? "all rows are zero here" : "–", width / 2, height / 2);
      return;
    }
    last = layout(ctx, width, height);
    const { placed, cx, cy, reach } = last;
    ctx.strokeStyle = colors.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.arc(cx, cy, reach, 0, 2 * Math.PI);
    ctx.stroke();
    placed.forEach((arrow, k) => {
      if (labels) name(ctx, arrow, isRight(arrow) ? cx + reach + GAP : cx - reach - GAP, isRight(arrow));
      shaft(ctx, { ...arrow, cx, cy }, k === cursor ? 4 : arrow.thin ? 1.3 : 2.4);
    });
  }

  return {
    draw,
    more(ctx, width, least) {
      const tall = (side) => side.reduce((sum, { lines }) => sum + lines.length * LINE, 0);
      const sides = [scaled.filter(isRight), scaled.filter((arrow) => !isRight(arrow))];
      return labels ? Math.max(0, ...sides.map((side) => tall(side) - least)) : 0;
    },
    at(x, y) {
      let [best, distance] = [null, 12];
      const { placed, cx, cy } = last ?? { placed: [] };
      placed.forEach(({ hx, hy }, k) => {
        const along = ((x - cx) * (hx - cx) + (y - cy) * (hy - cy)) / ((hx - cx) ** 2 + (hy - cy) ** 2 || 1);
        const t = Math.min(Math.max(along, 0.25), 1);
        const away = Math.hypot(x - cx - t * (hx - cx), y - cy - t * (hy - cy));
        if (away < distance) [best, distance] = [k, away];
      });
      return best;
    },
    move(cursor, dx, dy) {
      if (!scaled.length) return null;
      return cursor === null ? 0 : (cursor + dx + dy + scaled.length) % scaled.length;
    },
    tell: (k) => [
      scaled[k].name.replace(/\n/g, " "),
      `norm ${number(scaled[k].length)}`,
      `${percent(scaled[k].inside)} of it in this plane`,
      ...(scaled[k].notes ?? []),
    ],
    table: () => [
      ["row", "x", "y", "norm", "fraction in the plane"],
      arrows.map(({ name, x, y, length, inside }) => [name.replace(/\n/g, " "), x, y, length, inside]),
    ],
    summary: `${scaled.length} arrows: ${scaled.map(({ name }) => name.replace(/\n/g, " ")).join(", ")}.`,
  };
}

/** Gives each name of a side its `top`: level with its arrow's head, or as near as the other names leave room. */
function stack(side, height) {
  const sorted = [...side].sort((a, b) => a.hy - b.hy);
  const tall = ({ lines }) => lines.length * LINE;
  let free = 0;
  for (const arrow of sorted) {
    arrow.top = Math.max(free, arrow.hy - tall(arrow) / 2);
    free = arrow.top + tall(arrow);
  }
  let end = height;
  for (const arrow of sorted.reverse()) {
    arrow.top = Math.min(arrow.top, end - tall(arrow));
    end = arrow.top;
  }
}

/** An arrow's line and head. */
function shaft(ctx, { cx, cy, hx, hy, color, dash }, width) {
  const [length, angle] = [Math.hypot(hx - cx, hy - cy), Math.atan2(hy - cy, hx - cx)];
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash ?? []);
  ctx.beginPath();
  ctx.moveTo(cx, cy);
  ctx.lineTo(hx, hy);
  ctx.stroke();
  ctx.setLineDash([]);
  const size = Math.min(4 + 2 * width, length / 2);
  ctx.beginPath();
  ctx.moveTo(hx, hy);
  ctx.lineTo(hx - size * Math.cos(angle - 0.4), hy - size * Math.sin(angle - 0.4));
  ctx.lineTo(hx - size * Math.cos(angle + 0.4), hy - size * Math.sin(angle + 0.4));
  ctx.closePath();
  ctx.fill();
  ctx.restore();
}

/** A name in its column, and a thin line from the arrow's head to it. */
function name(ctx, { hx, hy, lines, top, color }, x, right) {
  const middle = top + (lines.length * LINE) / 2;
  ctx.save();
  ctx.globalAlpha = 0.45;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(hx, hy);
  ctx.lineTo(x - (right ? 4 : -4), middle);
  ctx.stroke();
  ctx.restore();
  ctx.fillStyle = color;
  ctx.textAlign = right ? "left" : "right";
  lines.forEach((line, k) => ctx.fillText(line, x, top + (k + 0.5) * LINE));
}
