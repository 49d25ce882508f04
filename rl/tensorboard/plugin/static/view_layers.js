// Layers × time: a quantity in every layer over time, with the chosen layer's line and the chosen moment's rows below.

import { ask } from "./api.js";
import { AXES, isLog } from "./axes.js";
import { arrowFigure } from "./view_moment.js";
import { choice, element } from "./dom.js";
import { Figure } from "./figure.js";
import { heatmap } from "./heatmap.js";
import { lineChart } from "./lines.js";
import { OneRun } from "./one_run.js";
import { smoothedLine } from "./smoothing.js";

export const QUANTITIES = {
  cosine: "cosine",
  ratio: "norm ratio",
  norm: "norm",
  share: "share of the step",
  conflict: "conflict",
};
export const OF_TWO = ["cosine", "ratio", "conflict"];
const POINTS = 300;

export class Layers extends OneRun {
  static help = [
    "A line of the heatmap is a layer of the shared weights, a column is a moment. Blue: the two gradient rows agree, or the first one has the larger norm; red: they conflict, or it has the smaller norm.",
    "Cosines in a layer with few weights are large by chance: compare them with the shaded null band in the chart below.",
  ];

  constructor(app) {
    super(app);
    const colors = () => app.colors;
    this.heat = new Figure("Layers × time", 240, colors);
    this.line = new Figure("One layer over time", 230, colors);
    this.arrows = new Figure("Rows at the chosen moment", 230, colors);
    this.more = element("button", {
      className: "link",
      textContent: "Show all of this moment",
      onclick: () => app.go({ view: "moment" }),
    });
    const below = element("div", { className: "two" }, this.line.root, element("div", {}, this.arrows.root, this.more));
    this.body.append(this.heat.root, this.note, below);
  }

  async show(listed, signal) {
    const { app } = this;
    const asked = chosenQuantity(app, listed, app.state.quantity);
    this.controls.replaceChildren(app.runChoice(), ...quantityChoices(app, listed, asked, "quantity"));
    this.data = await ask("layers", { run: listed.run, ...asked, points: POINTS }, signal);
    this.redraw();
    await this.showMoment(signal);
  }

  redraw() {
    const { app, data } = this;
    if (!data) return;
    const { state } = app;
    const layer = data.layers.includes(state.layer) ? state.layer : data.layers[0];
    const name = `${data.run} ${label(data)}`;
    const onPick = (place) => app.go(place); // a layer, a step, or both
    this.heat.resize(Math.min(Math.max(data.layers.length * 20 + 40, 130), 620));
    this.heat.set(heatmap(data, { selected: { layer, step: state.step }, label: label(data), onPick }), name);
    const line = (text, values, color) => ({
      name: text,
      steps: data.steps,
      ...smoothedLine({ values }, state.smoothing, isLog(data.quantity)),
      color,
      dash: [],
    });
    const place = data.layers.indexOf(layer);
    const lines = [
      line(layer, data.values[place], app.colors.runs[0]),
      { ...line("all shared weights", data.total, app.colors.runs[1]), dash: [6, 3] },
    ];
    const band = data.quantity === "cosine" ? [-data.null_bands[place], data.null_bands[place]] : null;
    const pickStep = (step) => app.go({ step });
    const chart = lineChart(lines, { ...AXES[data.quantity], band, marker: state.step, onPick: pickStep });
    this.line.title.textContent = `${label(data)}: ${layer}`;
    this.line.set(chart, `${name} ${layer}`);
    this.note.textContent = [
      "Click a cell, or press Enter on it, to choose its layer and its moment.",
      data.moments_per_point > 1 ? `A column is the median of ${data.moments_per_point} moments.` : "",
      data.num_layers > data.layers.length
        ? `The first ${data.layers.length} of ${data.num_layers} layers are shown.`
        : "",
      data.broken ? `${data.broken} moments have numbers that are not finite.` : "",
    ].join(" ");
    if (this.moment) this.drawMoment();
  }

  async showMoment(signal) {
    const { run } = this.data;
    this.moment = await ask("moment", { run, step: this.app.state.step }, signal);
    this.drawMoment();
  }

  drawMoment() {
    const one = this.moment.layers.find(({ name }) => name === this.app.state.layer) ?? this.moment.layers[0];
    this.arrows.title.textContent = `Rows of ${one.name} at step ${this.moment.step}`;
    this.arrows.set(arrowFigure(this.app, this.moment, one), `${this.moment.run} ${one.name} rows`);
  }
}

/** A quantity and its rows, in words. */
export function label({ quantity, a, b }) {
  const name = QUANTITIES[quantity];
  if (!OF_TWO.includes(quantity)) return `${name} of ${a}`;
  return quantity === "ratio" ? `${name}: ${a} over ${b}` : `${name} of ${a} and ${b}`;
}

/** The arguments of a request: the quantity, and the chosen rows where the run has them, otherwise its first ones. */
export function chosenQuantity(app, { legend }, quantity) {
  const all = [...legend.objectives, ...legend.extra_rows];
  const firsts = quantity === "share" ? legend.objectives : all;
  const [own, other] = quantity === "ratio" ? [1, 0] : [0, 1];
  const pick = (name, names, place) => (names.includes(name) ? name : names[Math.min(place, names.length - 1)]);
  const a = pick(app.state.a, firsts, own);
  return { quantity, a, b: OF_TWO.includes(quantity) ? pick(app.state.b, all, a === all[other] ? own : other) : null };
}

/** Selects for a quantity and its rows; `key` is the choice that holds the quantity. */
export function quantityChoices(app, { legend }, { quantity, a, b }, key) {
  const all = [...legend.objectives, ...legend.extra_rows].map((name) => [name, name]);
  const firsts = quantity === "share" ? all.slice(0, legend.objectives.length) : all;
  return [
    choice("quantity", Object.entries(QUANTITIES), quantity, (chosen) => app.go({ [key]: chosen })),
    choice(OF_TWO.includes(quantity) ? "row" : "of", firsts, a, (chosen) => app.go({ a: chosen, b })),
    b === null ? null : choice(quantity === "ratio" ? "over" : "and", all, b, (chosen) => app.go({ a, b: chosen })),
  ].filter(Boolean);
}
