// The strokes of a line chart.

import { nearest } from "./scales.js";

/** A straight line. */
export function rule(ctx, x1, y1, x2, y2, color, dash = []) {
  ctx.save();
  ctx.setLineDash(dash);
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
  ctx.restore();
}

/** A line's sample in a legend. */
export function stroke(ctx, { color, dash }, [x1, y1, x2, y2], width) {
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash ?? []);
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
  ctx.restore();
}

/** A line with gaps where numbers are missing; a point between two gaps is a dot. */
export function trace(ctx, { steps, values, color, dash }, x, y, width, alpha) {
  ctx.save();
  ctx.globalAlpha = alpha;
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash ?? []);
  ctx.beginPath();
  let drawing = false;
  const lonely = [];
  values.forEach((value, k) => {
    const at = y(value);
    if (at === null) {
      drawing = false;
      return;
    }
    if (drawing) ctx.lineTo(x(steps[k]), at);
    else {
      ctx.moveTo(x(steps[k]), at);
      if (y(values[k + 1]) === null) lonely.push([x(steps[k]), at]);
    }
    drawing = true;
  });
  ctx.stroke();
  for (const [px, py] of lonely) {
    ctx.beginPath();
    ctx.arc(px, py, 2, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}

/** The band between low and high. */
export function area(ctx, { steps, low, high, color }, x, y) {
  const known = steps.map((_, k) => k).filter((k) => y(low[k]) !== null && y(high[k]) !== null);
  if (known.length < 2) return;
  ctx.save();
  ctx.globalAlpha = 0.2;
  ctx.fillStyle = color;
  ctx.beginPath();
  known.forEach((k, place) => (place ? ctx.lineTo(x(steps[k]), y(high[k])) : ctx.moveTo(x(steps[k]), y(high[k]))));
  known.reverse().forEach((k) => ctx.lineTo(x(steps[k]), y(low[k])));
  ctx.closePath();
  ctx.fill();
  ctx.restore();
}

/** A dot at the line's point nearest to a step. */
export function dot(ctx, { steps, values, color }, step, x, y) {
  const k = nearest(steps, step);
  const at = y(values[k]);
  if (at === null) return;
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.arc(x(steps[k]), at, 3, 0, 2 * Math.PI);
  ctx.fill();
}
