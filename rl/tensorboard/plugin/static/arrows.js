// Rows as arrows from one point.

import { number, percent } from "./format.js";

const LINE = 13; // pixels from one line of text to the next
const FONT = "11px Roboto, Arial, sans-serif";

/**
 * A model of arrows.
 *
 * @param arrows [{ name, x, y, inside, length, color, dash, thin }] in units of rows; inside: the share of the length that
 *   lies in the plane of the picture.
 * @param options unit: all at one length, only shortened where they leave the plane; labels: names beside the heads.
 */
export function arrowPicture(arrows, { unit, labels = true }) {
  const drawn = arrows.filter(({ x, y, length }) => Number.isFinite(x) && Number.isFinite(y) && length > 0);
  const scaled = drawn.map((arrow) => {
    const by = unit ? 1 / arrow.length : 1;
    return { ...arrow, px: arrow.x * by, py: arrow.y * by };
  });
  const most = unit ? 1 : Math.max(...scaled.map(({ px, py }) => Math.hypot(px, py)), 1e-300);

  function heads(width, height) {
    const reach = Math.max(10, Math.min(width / 2 - (labels ? 64 : 4), height / 2 - (labels ? 18 : 4)));
    const [cx, cy] = [width / 2, height / 2];
    return scaled.map((arrow) => ({
      ...arrow,
      hx: cx + (arrow.px / most) * reach,
      hy: cy - (arrow.py / most) * reach,
      cx,
      cy,
      reach,
    }));
  }

  function draw(ctx, width, height, colors, cursor) {
    ctx.font = FONT;
    ctx.textBaseline = "middle";
    if (!scaled.length) {
      ctx.fillStyle = colors.faint;
      ctx.textAlign = "center";
      ctx.fillText(labels ? "no row has a direction here" : "–", width / 2, height / 2);
      return;
    }
    const placed = heads(width, height);
    const { cx, cy, reach } = placed[0];
    ctx.strokeStyle = colors.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.arc(cx, cy, reach, 0, 2 * Math.PI);
    ctx.stroke();
    const taken = [];
    placed.forEach((arrow, k) => {
      shaft(ctx, arrow, k === cursor ? 4 : arrow.thin ? 1.3 : 2.4);
      if (labels) name(ctx, arrow, colors, width, taken);
    });
  }

  return {
    draw,
    at(x, y, width, height) {
      let [best, distance] = [null, 12];
      heads(width, height).forEach(({ cx, cy, hx, hy }, k) => {
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
      `length ${number(scaled[k].length)}`,
      `${percent(scaled[k].inside)} of it in this plane`,
      ...(scaled[k].notes ?? []),
    ],
    table: () => [
      ["row", "x", "y", "length", "share in the plane"],
      arrows.map(({ name, x, y, length, inside }) => [name.replace(/\n/g, " "), x, y, length, inside]),
    ],
    summary: `${scaled.length} arrows: ${scaled.map(({ name }) => name.replace(/\n/g, " ")).join(", ")}.`,
  };
}

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

/** Beside the head, moved down until it covers no other name. */
function name(ctx, { hx, hy, cx, cy, name: text, color }, colors, width, taken) {
  const right = hx >= cx;
  const texts = text.split("\n");
  const length = Math.max(...texts.map((line) => ctx.measureText(line).width));
  const x = Math.min(Math.max(right ? hx + 6 : hx - 6 - length, 2), width - length - 2);
  let y = hy + (Math.abs(hx - cx) < 20 ? (hy < cy ? -9 : 9) : 0);
  const tall = texts.length * LINE;
  const covers = (other) =>
    y < other.y + other.tall && other.y < y + tall && x < other.x + other.length + 4 && other.x < x + length + 4;
  for (let tries = 0; tries < 24 && taken.some(covers); tries += 1) y += LINE / 2;
  taken.push({ x, y, length, tall });
  ctx.fillStyle = color;
  ctx.textAlign = "left";
  texts.forEach((line, k) => ctx.fillText(line, x, y + k * LINE));
}
