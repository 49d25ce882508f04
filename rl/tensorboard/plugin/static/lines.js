// A chart of lines over environment steps, with bands.

import { fitted, number, steps as shortSteps, whole } from "./format.js";
import { extent, nearest, padded, scale, ticks } from "./scales.js";
import { area, dot, rule, stroke, trace } from "./strokes.js";

const FONT = "11px Roboto, Arial, sans-serif";
const LEFT = 52;
const RIGHT = 10;
const BOTTOM = 24;
const LEGEND_LINE = 15;
const LEAST = 150; // pixels of height that the legend leaves to the lines

/**
 * A model of lines for a figure.
 *
 * @param lines [{ name, steps, values, raw, low, high, color, dash }]: values are drawn, low and high as a band. raw,
 *   rawLow and rawHigh are the numbers before smoothing, for the table; without a band raw is also drawn, faintly.
 * @param options log (a logarithmic axis); range ([low, high], fixed ends of the axis); band ([low, high], shaded);
 *   zero (a rule at 0); span ([first, last] step that the axis covers at least); marker (a step); onPick(step).
 */
export function lineChart(lines, { log = false, range = null, band = null, zero = false, span, marker, onPick } = {}) {
  const spans = lines.flatMap((line) => [line.raw ?? line.values, line.low ?? [], line.high ?? [], line.values]);
  const found = range ?? extent(spans, log);
  const within = found ? (range ? range : padded(found, log)) : null;
  const own = extent(lines.map((line) => line.steps));
  const ends = own && span ? extent([own, span]) : own;
  const allSteps = [...new Set(lines.flatMap((line) => line.steps))].sort((a, b) => a - b);

  /**
   * Where the legend's names and the lines are. The legend takes the lines of text that it needs, but leaves half of the
   * height, or LEAST pixels, to the lines; more is by how many pixels it is higher than two lines of text.
   */
  function layout(ctx, width, height) {
    ctx.font = FONT;
    const measure = (text) => ctx.measureText(text).width;
    const places = [];
    let [x, y] = [LEFT, 0];
    for (const line of lines) {
      const text = fitted(line.name, width - LEFT - RIGHT - 24, measure);
      const length = 24 + measure(text) + 12;
      if (x > LEFT && x + length > width - RIGHT) [x, y] = [LEFT, y + LEGEND_LINE];
      places.push({ text, x, y: y + 8 });
      x += length;
    }
    const top = Math.min(y + LEGEND_LINE + 6, Math.max(height / 2, height - LEAST));
    return { places: places.filter((place) => place.y < top), top, more: Math.max(0, y - LEGEND_LINE) };
  }

  function scales(width, height, top) {
    // A single moment is drawn in the middle.
    const lonely = ends[1] > ends[0] ? 0 : 1;
    const x = scale(ends[0] - lonely, ends[1] + lonely, LEFT, width - RIGHT);
    return { x, y: scale(...within, height - BOTTOM, top, log) };
  }

  function draw(ctx, width, height, colors, cursor) {
    const { places, top } = layout(ctx, width, height);
    ctx.font = FONT;
    ctx.textBaseline = "middle";
    places.forEach(({ text, x, y }, k) => {
      stroke(ctx, lines[k], [x, y, x + 18, y], 2);
      ctx.fillStyle = colors.text;
      ctx.textAlign = "left";
      ctx.fillText(text, x + 24, y);
    });
    if (!within || !ends) {
      ctx.fillStyle = colors.faint;
      ctx.textAlign = "center";
      ctx.fillText("no numbers to draw", width / 2, height / 2);
      return;
    }
    const { x, y } = scales(width, height, top);
    frame(ctx, x, y, width, height, top, colors, ends);
    const inside = (pixel) => Math.min(Math.max(pixel, top), height - BOTTOM);
    if (band) {
      ctx.fillStyle = colors.band;
      const [lower, upper] = band.map((end) => inside(y(end)));
      ctx.fillRect(LEFT, upper, width - RIGHT - LEFT, lower - upper);
    }
    if (zero && y(0) !== null) rule(ctx, LEFT, y(0), width - RIGHT, y(0), colors.faint);
    for (const line of lines) {
      if (line.low) area(ctx, line, x, y);
      if (line.raw && line.raw !== line.values && !line.low) trace(ctx, { ...line, values: line.raw }, x, y, 1, 0.25);
      trace(ctx, line, x, y, 1.6, 1);
    }
    for (const [step, strong] of [
      [marker, false],
      [cursor, true],
    ]) {
      const at = step === null || step === undefined ? null : x(step);
      if (at === null || at < LEFT - 1 || at > width - RIGHT + 1) continue;
      rule(ctx, at, top, at, height - BOTTOM, strong ? colors.text : colors.faint, strong ? [] : [4, 3]);
      if (strong) lines.forEach((line) => dot(ctx, line, step, x, y));
    }
  }

  const index = (step) => nearest(allSteps, step);
  return {
    draw,
    more: (ctx, width) => layout(ctx, width, Infinity).more,
    at(px, py, width) {
      if (!ends || px < LEFT - 8 || px > width - RIGHT + 8) return null;
      const { x } = scales(width, 100, 10);
      return allSteps[index(x.inverse(px))];
    },
    move(cursor, dx) {
      if (!allSteps.length) return null;
      const at = cursor === null ? (dx < 0 ? allSteps.length : -1) : index(cursor);
      return allSteps[Math.min(Math.max(at + dx, 0), allSteps.length - 1)];
    },
    tell(step) {
      const texts = lines.map((line) => {
        const k = nearest(line.steps, step);
        const band = line.low ? ` (${number(line.low[k])} to ${number(line.high[k])})` : "";
        return `${line.name}: ${number(line.values[k])}${band}`;
      });
      return [`step ${whole(step)}`, ...texts];
    },
    pick: onPick,
    table() {
      const columns = lines.flatMap((line) => [
        [line.name, line.raw ?? line.values],
        ...(line.low
          ? [
              [`${line.name} (low)`, line.rawLow ?? line.low],
              [`${line.name} (high)`, line.rawHigh ?? line.high],
            ]
          : []),
      ]);
      const places = lines.flatMap((line) => (line.low ? [line, line, line] : [line]));
      const at = places.map((line) => new Map(line.steps.map((step, k) => [step, k])));
      const rows = allSteps.map((step) => [step, ...columns.map(([, values], c) => values[at[c].get(step)] ?? null)]);
      return [["step", ...columns.map(([name]) => name)], rows];
    },
    summary: summary(lines, ends),
  };
}

function summary(lines, ends) {
  if (!ends) return "No numbers.";
  const last = lines.map((line) => `${line.name} ends at ${number(line.values.findLast((x) => x !== null))}`);
  return `Steps ${whole(ends[0])} to ${whole(ends[1])}; ${last.join(", ")}.`;
}

function frame(ctx, x, y, width, height, top, colors, [first, last]) {
  ctx.fillStyle = colors.faint;
  ctx.textAlign = "right";
  for (const value of ticks(y, (height - top - BOTTOM) / 28)) {
    const at = y(value);
    rule(ctx, LEFT, at, width - RIGHT, at, colors.line);
    ctx.fillText(number(value), LEFT - 5, at);
  }
  for (const value of first < last ? ticks(x, (width - LEFT - RIGHT) / 70).filter(Number.isInteger) : [first]) {
    ctx.textAlign = x(value) > width - RIGHT - 12 ? "right" : "center";
    ctx.fillText(shortSteps(value), x(value), height - BOTTOM + 12);
  }
  rule(ctx, LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, colors.faint);
}
