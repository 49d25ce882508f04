// A heatmap of layers × time.

import { fitted, number, steps as shortSteps, whole } from "./format.js";
import { extent, scale, ticks } from "./scales.js";
import { diverging, sequential } from "./theme.js";

const FONT = "11px Roboto, Arial, sans-serif";
const LEGEND = 66;
const BOTTOM = 24;
const TOP = 6;

/** How a quantity maps to colours: place(x) is in −1 … 1 for a diverging scale (two) and in 0 … 1 for a sequential one. */
function coding(quantity, values) {
  if (quantity === "cosine" || quantity === "share")
    return { two: true, low: -1, high: 1, log: false, place: (x) => x };
  if (quantity === "conflict") return { two: false, low: 0, high: 1, log: false, place: (x) => x };
  const [low, high] = extent(values, true) ?? [1, 1];
  if (quantity === "ratio") {
    // Symmetric around 1 on a logarithmic scale.
    const most = Math.max(high, 1 / low, 1.01);
    return { two: true, low: 1 / most, high: most, log: true, place: (x) => Math.log10(x) / Math.log10(most) };
  }
  const span = Math.log10(high) - Math.log10(low) || 1;
  return { two: false, low, high, log: true, place: (x) => (Math.log10(x) - Math.log10(low)) / span };
}

/** @param data the answer of /layers; selected { layer, step }; onPick({ layer, step }); label names the quantity. */
export function heatmap(data, { selected, onPick, label }) {
  const { layers, steps, values, quantity } = data;
  const code = coding(quantity, values);
  const color = (colors, x) => {
    if (x === null || (code.log && x <= 0)) return colors.nothing;
    return code.two ? diverging(colors, code.place(x)) : sequential(code.place(x));
  };

  function layout(width, height) {
    const left = Math.min(170, Math.max(70, width * 0.2));
    const cell = (height - TOP - BOTTOM) / layers.length;
    const column = (width - left - LEGEND) / steps.length;
    return { left, cell, column };
  }

  function draw(ctx, width, height, colors, cursor) {
    const { left, cell, column } = layout(width, height);
    ctx.font = FONT;
    ctx.textBaseline = "middle";
    values.forEach((row, l) =>
      row.forEach((x, t) => {
        ctx.fillStyle = color(colors, x);
        // Slightly wider than the cell, so that no seam shows between cells.
        ctx.fillRect(left + t * column, TOP + l * cell, column + 0.6, cell > 4 ? cell - 1 : cell);
      }),
    );
    ctx.textAlign = "right";
    const every = Math.ceil(13 / cell);
    layers.forEach((layer, l) => {
      if (l % every) return;
      ctx.fillStyle = layer === selected.layer ? colors.text : colors.faint;
      ctx.font = layer === selected.layer ? `bold ${FONT}` : FONT;
      const text = fitted(layer, left - 8, (words) => ctx.measureText(words).width);
      ctx.fillText(text, left - 5, TOP + (l + 0.5) * cell);
    });
    ctx.font = FONT;
    const x = scale(0, steps.length, left, left + steps.length * column);
    ctx.fillStyle = colors.faint;
    ctx.textAlign = "center";
    for (const at of ticks(x, (width - left - LEGEND) / 90).filter((at) => Number.isInteger(at) && at < steps.length)) {
      ctx.fillText(shortSteps(steps[at]), x(at + 0.5), height - BOTTOM + 12);
    }
    legend(ctx, width, height, colors);
    const chosen = layers.indexOf(selected.layer);
    const when = selected.step === null ? -1 : steps.findIndex((step) => step >= selected.step);
    ctx.strokeStyle = colors.text;
    ctx.lineWidth = 1.5;
    if (chosen >= 0) ctx.strokeRect(left, TOP + chosen * cell, steps.length * column, cell);
    if (when >= 0) ctx.strokeRect(left + when * column - 0.5, TOP, column + 1, layers.length * cell);
    if (cursor) {
      ctx.lineWidth = 2;
      const [x0, y0] = [cursor[0] < 0 ? left : left + cursor[0] * column, cursor[1] < 0 ? TOP : TOP + cursor[1] * cell];
      const [wide, tall] = [
        cursor[0] < 0 ? steps.length * column : column,
        cursor[1] < 0 ? layers.length * cell : cell,
      ];
      ctx.strokeRect(x0 - 1, y0 - 1, wide + 2, tall + 1);
    }
  }

  function legend(ctx, width, height, colors) {
    const [x, top, bottom] = [width - LEGEND + 12, TOP + 4, height - BOTTOM - 4];
    for (let pixel = top; pixel < bottom; pixel += 1) {
      const place = 1 - (pixel - top) / (bottom - top);
      ctx.fillStyle = code.two ? diverging(colors, 2 * place - 1) : sequential(place);
      ctx.fillRect(x, pixel, 12, 1.5);
    }
    const y = scale(code.low, code.high, bottom, top, code.log);
    ctx.fillStyle = colors.faint;
    ctx.textAlign = "left";
    for (const value of ticks(y, (bottom - top) / 24)) ctx.fillText(number(value), x + 16, y(value));
  }

  const clamp = (at, count) => Math.min(Math.max(at, 0), count - 1);
  return {
    draw,
    at(px, py, width, height) {
      if (!steps.length || !layers.length) return null;
      const { left, cell, column } = layout(width, height);
      // −1 stands for a place beside the cells: on a layer's name, or on the axis below.
      const t = px < left ? -1 : Math.floor((px - left) / column);
      const l = py >= height - BOTTOM ? -1 : Math.max(0, Math.floor((py - TOP) / cell));
      return t >= steps.length || l >= layers.length || (t < 0 && l < 0) ? null : [t, l];
    },
    move(cursor, dx, dy) {
      if (!steps.length || !layers.length) return null;
      const [t, l] = cursor ?? [steps.length - 1 - dx, -dy];
      return [clamp(t + dx, steps.length), clamp(l + dy, layers.length)];
    },
    tell([t, l]) {
      if (l < 0) return [`step ${whole(steps[t])}`];
      if (t < 0) return [layers[l], `${whole(data.sizes[l])} weights`];
      const band = quantity === "cosine" ? [`null band ±${number(data.null_bands[l])}`] : [];
      const value = `${label}: ${number(values[l][t])}`;
      return [layers[l], `step ${whole(steps[t])}`, value, `${whole(data.sizes[l])} weights`, ...band];
    },
    pick: ([t, l]) => onPick({ ...(l < 0 ? {} : { layer: layers[l] }), ...(t < 0 ? {} : { step: steps[t] }) }),
    table: () => [["layer", ...steps.map(String)], layers.map((layer, l) => [layer, ...values[l]])],
    summary: `${label}, ${layers.length} layers at ${steps.length} steps.`,
  };
}
