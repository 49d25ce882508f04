// A matrix of numbers, each on its colour.

import { fitted, number } from "./format.js";
import { diverging, readableOn, sequential } from "./theme.js";

const FONT = "11px Roboto, Arial, sans-serif";
const TOP = 74; // pixels for the columns' names, which are turned by 45°
const MAX_TOP = 150;
const ROW = 24;
const SLANT = Math.SQRT1_2;

/**
 * A model of a matrix for a figure.
 *
 * @param rows, columns names; values [rows][columns].
 * @param options two (numbers in −1 … 1, otherwise in 0 … 1), show (a number as text), onPick(row), chosen (a row's
 *   name), label (of the numbers).
 */
export function matrix(rows, columns, values, { two = true, show = number, onPick, chosen, label } = {}) {
  /** The height of the columns' names: as high as the longest one needs, between TOP and MAX_TOP. */
  function headHeight(ctx) {
    ctx.font = FONT;
    const longest = Math.max(...columns.map((column) => ctx.measureText(column).width), 0);
    return Math.min(Math.max(Math.ceil(SLANT * longest) + 14, TOP), MAX_TOP);
  }

  function layout(ctx, width, height) {
    const top = headHeight(ctx);
    const longest = Math.max(...rows.map((row) => ctx.measureText(row).width), 20);
    const left = Math.min(longest + 10, width * 0.4);
    // The last column's name leans out of its column to the right.
    const beyond = Math.max(Math.min(SLANT * ctx.measureText(columns.at(-1)).width, top - 12) - 15, 4);
    const cell = Math.min((width - left - beyond) / columns.length, 96);
    return { left, top, cell, tall: (height - top - 4) / rows.length };
  }

  let placed = null; // the layout of the last drawing, for the pointer
  function draw(ctx, width, height, colors, cursor) {
    placed = layout(ctx, width, height);
    const { left, top, cell, tall } = placed;
    const measure = (text) => ctx.measureText(text).width;
    ctx.textBaseline = "middle";
    columns.forEach((column, j) => {
      ctx.save();
      ctx.translate(left + (j + 0.5) * cell, top - 6);
      ctx.rotate(-Math.PI / 4);
      ctx.fillStyle = colors.text;
      ctx.textAlign = "left";
      ctx.fillText(fitted(column, (top - 12) * 1.4, measure), 0, 0);
      ctx.restore();
    });
    rows.forEach((row, i) => {
      ctx.font = row === chosen ? `bold ${FONT}` : FONT;
      ctx.fillStyle = colors.text;
      ctx.textAlign = "right";
      ctx.fillText(fitted(row, left - 8, measure), left - 5, top + (i + 0.5) * tall);
      ctx.font = FONT;
      columns.forEach((_, j) => {
        const x = values[i][j];
        const known = x !== null && Number.isFinite(x);
        const color = known ? (two ? diverging(colors, x) : sequential(x)) : colors.nothing;
        ctx.fillStyle = color;
        ctx.fillRect(left + j * cell, top + i * tall, cell - 1, tall - 1);
        // Three digits, or two decimals, or nothing where the cell is too small: the tip has every number.
        const text = [show(x), known ? short(x) : ""].find((words) => measure(words) <= cell - 3);
        if (tall < 11 || !text) return;
        ctx.fillStyle = known ? readableOn(color) : colors.faint;
        ctx.textAlign = "center";
        ctx.fillText(text, left + (j + 0.5) * cell, top + (i + 0.5) * tall);
      });
    });
    if (cursor) {
      ctx.strokeStyle = colors.text;
      ctx.lineWidth = 2;
      ctx.strokeRect(left + cursor[1] * cell, top + cursor[0] * tall, cell - 1, tall - 1);
    }
  }

  const clamp = (at, count) => Math.min(Math.max(at, 0), count - 1);
  return {
    draw,
    more: (ctx) => headHeight(ctx) - TOP,
    at(x, y) {
      if (!placed) return null;
      const [i, j] = [Math.floor((y - placed.top) / placed.tall), Math.floor((x - placed.left) / placed.cell)];
      return i < 0 || j < 0 || i >= rows.length || j >= columns.length ? null : [i, j];
    },
    move(cursor, dx, dy) {
      if (!cursor) return [0, 0];
      return [clamp(cursor[0] + dy, rows.length), clamp(cursor[1] + dx, columns.length)];
    },
    tell: ([i, j]) => [`${rows[i]} · ${columns[j]}`, `${label ? `${label}: ` : ""}${show(values[i][j])}`],
    pick: onPick ? ([i]) => onPick(rows[i]) : undefined,
    table: () => [["", ...columns], rows.map((row, i) => [row, ...values[i]])],
    summary: `${rows.length} rows, ${columns.length} columns.`,
  };
}

/** A number from −1 to 1 with two decimals: .04, −.37. */
function short(x) {
  return x
    .toFixed(2)
    .replace("-", "−")
    .replace(/^(−?)0\./, "$1.")
    .replace(/^−\.00$/, ".00");
}

/** A height at which a matrix with this number of rows can be read, names of the columns included. */
export function matrixHeight(count) {
  return TOP + 4 + Math.max(count, 2) * ROW;
}
