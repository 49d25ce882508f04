// Moment: the Gramians of one step as arrows and as a matrix, over all layers and in each.

import { ask } from "./api.js";
import { arrowPicture } from "./arrows.js";
import { choice, element } from "./dom.js";
import { Figure } from "./figure.js";
import { number, whole } from "./format.js";
import { matrix, matrixHeight } from "./matrix.js";
import { OneRun } from "./one_run.js";
import { rowStyle } from "./theme.js";

const WHOLE = "all shared weights";
export const MAX_ARROWS = 8; // objectives; a plane shows too little of more directions

export class Moment extends OneRun {
  static help = [
    "An arrow is a row of one update; the angles between arrows show the cosines. combined is the combiner's direction, clipped is that direction after clipping, −applied is the negated step of the optimizer.",
    "stale/<copy>/<objective> is an objective's row at the weights of a frozen copy; through_target is the gradient that flows through the bootstrap target.",
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
      element("div", { className: "scroll" }, this.lengths),
      element("h2", { textContent: "Layer by layer" }),
      this.layers,
    );
  }

  async show(listed, signal) {
    const { app } = this;
    this.data = await ask("moment", { run: listed.run, step: app.state.step }, signal);
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
    this.arrows.root.hidden = data.num_objectives > MAX_ARROWS;
    this.arrows.set(arrowFigure(app, data, one), name);
    const shown = shownRows(app, data);
    const rows = shown.map((i) => data.rows[i]);
    const cosines = shown.map((i) => shown.map((j) => one.cosines[i][j]));
    this.matrix.resize(Math.max(matrixHeight(rows.length), 380));
    this.matrix.set(matrix(rows, rows, cosines, { label: "cosine" }), `${name} cosines`);
    this.note.textContent = [
      `${one.name}: ${whole(one.size)} weights; cosines of independent directions are within ±${number(one.null_band)}.`,
      data.num_objectives === 2
        ? "The plane of the picture is spanned by the two objectives' rows."
        : "The plane of the picture is spanned by the two principal directions of the objectives' rows; arrows that leave the plane are shorter.",
      "−applied is the negated step −Δw: where it points along a row, the step lowers that loss.",
      shown.length < data.rows.length
        ? `The matrix leaves out ${data.rows.length - shown.length} extra rows (checkbox on the left).`
        : "",
      data.broken ? "Numbers of this moment that are not finite are left out." : "",
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
    const heads = ["row", "coefficient", "norm", "(logarithmic)"];
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

const ALWAYS = ["combined", "clipped", "−applied"];

/** The places of the rows that the matrix shows: objectives, the step's stages, and if asked for, all extra rows. */
function shownRows(app, data) {
  const places = data.rows.map((_, i) => i);
  return places.filter((i) => i < data.num_objectives || app.state.extra || ALWAYS.includes(data.rows[i]));
}

/** The model of a moment's rows as arrows, in one layer or over all. */
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

/** Buttons and a slider that choose the moment. */
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
      button("◀", "previous moment", data.previous),
      slider,
      button("▶", "next moment", data.next),
      element("span", { textContent: `step ${whole(data.step)} (${data.number} of ${data.moments})` }),
      element("button", {
        textContent: "newest",
        "aria-pressed": String(app.state.step === null),
        onclick: () => app.go({ step: null }),
      }),
    ),
  ];
}

/** A checkbox: unit arrows, or arrows as long as the rows' norms. */
export function unitSwitch(app) {
  const box = element("input", { type: "checkbox", checked: app.state.unit });
  box.onchange = () => app.go({ unit: box.checked });
  return element("label", { className: "choice" }, box, element("span", { textContent: "unit arrows" }));
}
