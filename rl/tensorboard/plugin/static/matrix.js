// A matrix of numbers, each on its colour.

import { fitted, number } from "./format.js";
import { diverging, readableOn, sequential } from "./theme.js";

const FONT = "11px Roboto, Arial, sans-serif";
const TOP = 74; // pixels for the columns' names, which are turned by 45°
const MAX_TOP = 150;
const ROW = 24;
const SLANT = Math.SQRT1_2;
const NARROWEST = 16; // pixels of a column under which the names of neighbours, turned by 45°, would overlap

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
    // The columns' names lean to the right, and must end within the width.
    const room = columns.map((column, j) => {
      const leaning = Math.min(SLANT * ctx.measureText(column).width, top - 12);
      return (width - left - leaning - 4) / (j + 0.5);
    });
    const cell = Math.max(Math.min((width - left - 4) / columns.length, ...room, 96), 1);
    return { left, top, cell, tall: (height - top - 4) / rows.length };
  }

  /** How numbers are written: by show, or with two decimals where show needs more room than a cell has. */
  function writing(ctx, cell) {
    const fits = (x) => x === null || !Number.isFinite(x) || ctx.measureText(show(x)).width <= cell - 3;
    return values.every((row) => row.every(fits)) ? show : (x) => (x === null ? show(x) : short(x));
  }

  let placed = null; // the layout of the last drawing, for the pointer
  function draw(ctx, width, height, colors, cursor) {
    placed = layout(ctx, width, height);
    const { left, top, cell, tall } = placed;
    const measure = (text) => ctx.measureText(text).width;
    const written = writing(ctx, cell);
    ctx.textBaseline = "middle";
    const every = Math.ceil(NARROWEST / cell); // the tip has the names that are left out
    columns.forEach((column, j) => {
      if (j % every) return;
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
        const text = written(x);
        if (tall < 11 || measure(text) > cell - 3) return; // the tip has the number
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
