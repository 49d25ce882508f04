// Moment: the Gramian of one step, as arrows and as a matrix, in all and layer by layer.

import { ask } from "./api.js";
import { arrowPicture } from "./arrows.js";
import { choice, element } from "./dom.js";
import { Figure } from "./figure.js";
import { number, whole } from "./format.js";
import { matrix, matrixHeight } from "./matrix.js";
import { OneRun } from "./one_run.js";
import { rowStyle } from "./theme.js";

const WHOLE = "all shared weights";
export const MOST_ARROWS = 8; // objectives; of more no plane shows anything

export class Moment extends OneRun {
  static help = [
    "Every row of one update as an arrow: its angle to the others is what the cosines say. combined is what the combiner made of the rows, clipped what was left of it, −applied the step that the optimizer took, negated.",
    "stale/<copy>/<objective> is that objective's row at a frozen copy's weights; through_target the gradient through the value that stands for the future.",
  ];

  constructor(app) {
    super(app);
    const colors = () => app.colors;
    this.arrows = new Figure("Rows as arrows", 380, colors);
    this.matrix = new Figure("Cosines of the rows", 380, colors);
    this.lengths = element("table", { className: "numbers" });
    this.layers = element("div", { className: "layers" });
    this.small = [];
    this.body.append(
      element("div", { className: "two" }, this.arrows.root, this.matrix.root),
      this.note,
      this.lengths,
      element("h2", { textContent: "Layer by layer" }),
      this.layers,
    );
  }

  async show(of, signal) {
    const { app } = this;
    this.data = await ask("moment", { run: of.run, step: app.state.step }, signal);
    const names = [WHOLE, ...this.data.layers.map(({ name }) => name)];
    this.controls.replaceChildren(
      app.runChoice(),
      ...stepControls(app, this.data),
      choice(
        "layer",
        names.map((name) => [name, name]),
        this.chosen().name,
        (layer) => app.go({ layer }),
      ),
      unitSwitch(app),
    );
    this.redraw();
  }

  chosen() {
    return this.data.layers.find(({ name }) => name === this.app.state.layer) ?? this.data.total;
  }

  redraw() {
    const { app, data } = this;
    if (!data) return;
    const one = this.chosen();
    const name = `${data.run} step ${data.step} ${one.name}`;
    this.arrows.root.hidden = data.num_objectives > MOST_ARROWS;
    this.arrows.set(arrowFigure(app, data, one), name);
    this.matrix.resize(Math.max(matrixHeight(data.rows.length), 380));
    this.matrix.set(matrix(data.rows, data.rows, one.cosines, { label: "cosine" }), `${name} cosines`);
    this.note.textContent = [
      `${one.name}: ${whole(one.size)} weights; two random directions have a cosine within ±${number(one.null_band)}.`,
      data.num_objectives === 2
        ? "The picture's plane is that of the two objectives' rows."
        : "The picture's plane is the one in which the objectives' directions are best seen; an arrow that leaves it is short.",
      "−applied is the step Δw negated, as gradients point uphill: beside a row, the step lowers that loss.",
      data.broken ? "Some numbers of this moment are not finite, and are left out." : "",
      data.num_layers > data.layers.length
        ? `The first ${data.layers.length} of ${data.num_layers} layers are shown.`
        : "",
    ].join(" ");
    this.drawLengths(one);
    this.drawLayers();
  }

  drawLengths(one) {
    const { app, data } = this;
    const finite = one.norms.filter((x) => x > 0);
    const [low, high] = [Math.min(...finite) / 3, Math.max(...finite)];
    const width = (x) => (x > 0 ? (100 * Math.log(x / low)) / Math.log(high / low) : 0);
    const rows = data.rows.map((row, i) => {
      const bar = element("div", { className: "bar" });
      bar.style.width = `${width(one.norms[i])}%`;
      bar.style.background = rowStyle(app.colors, row, data.rows, data.num_objectives).color;
      const cells = data.rows
        .slice(0, data.num_objectives)
        .map((_, j) => element("td", { textContent: number(one.cosines[i][j]) }));
      return element(
        "tr",
        {},
        element("th", { scope: "row", textContent: row }),
        element("td", { textContent: i < data.num_objectives ? number(data.coefficients[i]) : "" }),
        element("td", { textContent: number(one.norms[i]) }),
        element("td", { className: "bars" }, bar),
        ...cells,
      );
    });
    const heads = ["row", "coefficient", "length", "(logarithmic)"];
    for (const name of data.rows.slice(0, data.num_objectives)) heads.push(`cosine with ${name}`);
    const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
    this.lengths.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }

  drawLayers() {
    const { app, data } = this;
    const ones = [data.total, ...data.layers];
    while (this.small.length < ones.length) {
      const figure = new Figure("", 130, () => app.colors);
      figure.button = element("button", { className: "link" });
      figure.title.replaceWith(figure.button);
      this.small.push(figure);
      this.layers.append(figure.root);
    }
    this.small.forEach((figure, k) => {
      figure.root.hidden = k >= ones.length;
      if (k >= ones.length) return;
      const one = ones[k];
      figure.title.textContent = one.name;
      figure.button.textContent = one.name;
      figure.button.onclick = () => app.go({ layer: one.name });
      figure.root.classList.toggle("chosen", one.name === this.chosen().name);
      figure.set(arrowFigure(app, data, one, false), `${data.run} step ${data.step} ${one.name}`);
    });
  }
}

/** A moment's rows in one layer, or in all, as arrows. */
export function arrowFigure(app, data, one, labels = true) {
  const arrows = data.rows.map((name, i) => {
    const [x, y, inside] = one.plane[i];
    const extra = i >= data.num_objectives;
    return {
      name,
      x,
      y,
      inside,
      length: one.norms[i],
      thin: extra,
      ...rowStyle(app.colors, name, data.rows, data.num_objectives),
    };
  });
  const always = ["combined", "−applied"];
  const shown = arrows.filter(({ name }, i) => i < data.num_objectives || app.state.extra || always.includes(name));
  return arrowPicture(shown, { unit: app.state.unit, labels });
}

/** Buttons and a slider for the moment. */
export function stepControls(app, data) {
  const to = (step) => app.go({ step });
  const slider = element("input", {
    type: "range",
    min: data.first,
    max: data.last,
    value: data.step,
    step: "any",
    "aria-label": "step",
    onchange: () => to(Math.round(Number(slider.value))),
  });
  const button = (text, label, step) =>
    element("button", { textContent: text, "aria-label": label, disabled: step === null, onclick: () => to(step) });
  return [
    element(
      "span",
      { className: "steps" },
      button("◀", "the moment before", data.previous),
      slider,
      button("▶", "the next moment", data.next),
      element("span", { textContent: `step ${whole(data.step)} (${data.number} of ${data.moments})` }),
      element("button", {
        textContent: "newest",
        "aria-pressed": String(app.state.step === null),
        onclick: () => app.go({ step: null }),
      }),
    ),
  ];
}

/** Whether arrows have one length, or their own. */
export function unitSwitch(app) {
  const box = element("input", { type: "checkbox", checked: app.state.unit });
  box.onchange = () => app.go({ unit: box.checked });
  return element("label", { className: "choice" }, box, element("span", { textContent: "arrows at one length" }));
}
