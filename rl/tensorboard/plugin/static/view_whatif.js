// What if: the direction that every combiner would have chosen at a moment, and how often it would have hurt an objective.

import { ask } from "./api.js";
import { arrowPicture } from "./arrows.js";
import { choice, element } from "./dom.js";
import { Figure } from "./figure.js";
import { number, percent, whole } from "./format.js";
import { matrix, matrixHeight } from "./matrix.js";
import { OneRun } from "./one_run.js";
import { lineStyle, rowStyle } from "./theme.js";
import { MAX_ARROWS, stepControls } from "./view_moment.js";
import { Waiting } from "./waiting.js";

export class WhatIf extends OneRun {
  static help = [
    "The run used one combiner. The logged Gramians determine what every other combiner would have chosen: its weights, its direction, and which objectives that direction would have hurt.",
    "A direction hurts an objective if a small step against it would have increased the objective's raw loss. Guarantees of combiners hold for the groups that they are given, not for each objective within a group.",
  ];

  constructor(app) {
    super(app);
    const colors = () => app.colors;
    this.wait = new Waiting(
      "Computing what every combiner would have done",
      "The first time TensorBoard loads TensorFlow for it, which takes several seconds.",
    );
    this.groups = element("p");
    this.arrows = new Figure("Directions that the combiners would have chosen", 460, colors);
    this.hurt = new Figure("Fraction of updates whose step would have hurt an objective or a group", 460, colors);
    this.table = element("table", { className: "numbers" });
    this.body.append(
      this.groups,
      element("div", { className: "two" }, this.arrows.root, this.hurt.root),
      this.note,
      element("div", { className: "scroll" }, this.table),
    );
    this.root.insertBefore(this.wait.root, this.body);
    this.chosen = null;
  }

  async show(listed, signal) {
    const { app } = this;
    const same = this.data?.run === listed.run;
    this.body.hidden = !same;
    this.control(same ? this.data : null); // another run can be chosen while this one is computed
    this.wait.begin();
    try {
      this.data = await ask("whatif", { run: listed.run, step: app.state.step, scope: app.state.scope }, signal);
    } finally {
      if (!signal.aborted) this.wait.end();
    }
    this.legend = listed.legend;
    this.control(this.data);
    this.body.hidden = false;
    this.redraw();
  }

  control(data) {
    const { app } = this;
    const scopes = [
      ["global", "global: one set of weights"],
      ["layer", "layer: a set for each layer"],
    ];
    this.controls.replaceChildren(
      app.runChoice(),
      ...(data ? stepControls(app, data) : []),
      choice("scope", scopes, app.state.scope, (scope) => app.go({ scope })),
    );
  }

  redraw() {
    const { data } = this;
    if (!data) return;
    this.drawArrows();
    this.drawHurt();
    this.drawTable();
    this.groups.textContent = groupsInWords(this.legend);
    const own = data.combiners.some(({ own }) => own)
      ? "● marks the run's own combiner, which has the run's own settings."
      : "";
    this.note.textContent = [
      `Computed to first order from the Gramians of ${whole(data.moments)} logged moments, by the package's own combiners`,
      "with the settings in configs/combiner/. A direction hurts an objective if its cosine with the objective's row is",
      "below −1e−6. Combiners with a state (gradvac, gradnorm) are updated at the logged moments only.",
      own,
    ].join(" ");
  }

  drawArrows() {
    const { app, data } = this;
    this.arrows.root.hidden = data.num_objectives > MAX_ARROWS || data.scope === "layer";
    const objectives = data.rows.slice(0, data.num_objectives).map((name, i) => {
      const [x, y, inside] = data.plane[i];
      return {
        name,
        x,
        y,
        inside,
        length: data.lengths[i],
        ...rowStyle(app.colors, name, data.rows, data.num_objectives),
      };
    });
    const combiners = byDirection(data.combiners).map((group, k) => {
      const [{ arrow, length }] = group;
      const [x, y, inside] = arrow;
      const strong = group.some(({ own, name }) => own || name === this.chosen);
      const names = group.map(({ own, name }) => (own ? `● ${name}` : name));
      return { name: inLines(names), x, y, inside, length, thin: !strong, ...lineStyle(app.colors.runs, k) };
    });
    const picture = arrowPicture([...objectives, ...combiners], { unit: true });
    this.arrows.set(picture, `${data.run} step ${data.step} directions`);
  }

  drawHurt() {
    const { data } = this;
    const groups = data.groups.map((group) => `group ${group}`);
    const columns = [...data.rows.slice(0, data.num_objectives), "any of these", ...groups];
    const values = data.combiners.map((one) => [...one.hurts, one.hurts_any, ...one.hurts_groups]);
    const names = data.combiners.map(({ name, own }) => (own ? `● ${name}` : name));
    const onPick = (name) => this.choose(name.replace("● ", ""));
    const shares = matrix(names, columns, values, { two: false, show: percent, label: "hurt in", onPick });
    this.hurt.resize(matrixHeight(names.length));
    this.hurt.set(shares, `${data.run} hurt`);
  }

  choose(name) {
    this.chosen = this.chosen === name ? null : name;
    this.redraw();
  }

  drawTable() {
    const { data } = this;
    const objectives = data.rows.slice(0, data.num_objectives);
    const heads = [
      "combiner",
      ...data.groups.map((group) => `weight of ${group}`),
      "norm",
      ...objectives.map((name) => `cosine with ${name}`),
      "hurts at this moment",
      "hurts any, over the run",
    ];
    const rows = data.combiners.map((one) => {
      const hurts = objectives.filter((_, i) => one.cosines[i] !== null && one.cosines[i] < -1e-6);
      const texts = [
        ...one.row_weights.map(number),
        number(one.length),
        ...objectives.map((_, i) => number(one.cosines[i])),
        hurts.length ? hurts.join(", ") : "none",
        percent(one.hurts_any),
      ];
      const pick = element("button", {
        className: "link",
        textContent: one.own ? `● ${one.name}` : one.name,
        "aria-pressed": String(one.name === this.chosen),
        onclick: () => this.choose(one.name),
      });
      const row = element("tr", {}, element("th", { scope: "row" }, pick));
      row.classList.toggle("chosen", one.name === this.chosen);
      row.append(...texts.map((text) => element("td", { textContent: text })));
      return row;
    });
    const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
    this.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }
}

/** The groups of objectives whose rows a combiner weights, with their coefficients. */
function groupsInWords({ objectives, coefficients, groups, changing = [] }) {
  const term = (name) => {
    const coefficient = coefficients[objectives.indexOf(name)];
    return coefficient === 1 ? name : `${number(coefficient)} ${name}`;
  };
  const sums = Object.entries(groups).map(([group, names]) => `${group} = ${names.map(term).join(" + ") || "nothing"}`);
  const inside = Object.entries(groups).flatMap(([group, names]) => names.slice(1).map((name) => [name, group]));
  const shared =
    inside.length === 1
      ? `${inside[0][0]} is part of the group ${inside[0][1]} and gets no weight of its own.`
      : inside.length && "The objectives of a group share one weight.";
  const started =
    changing.length && `The coefficient of ${changing.join(", ")} follows a schedule; these are the first values.`;
  return [`Combiners weight groups: ${sums.join("; ")}.`, shared, started].filter(Boolean).join(" ");
}

/** The combiners in groups of nearly equal unit directions, which share an arrow. */
function byDirection(combiners) {
  const groups = [];
  for (const one of combiners) {
    const unit = one.arrow.map((x) => (one.length > 0 && x !== null ? x / one.length : null));
    const near = ({ place }) => place.every((x, k) => x !== null && Math.abs(x - unit[k]) < 0.015);
    const group = groups.find(near);
    if (group) group.members.push(one);
    else groups.push({ place: unit.slice(0, 2), members: [one] });
  }
  return groups.map(({ members }) => members);
}

/** Names separated by commas, in lines short enough to stand beside an arrow. */
function inLines(names) {
  const lines = [""];
  for (const name of names) {
    if (lines.at(-1) && lines.at(-1).length + name.length > 22) lines.push("");
    lines.push(`${lines.pop()}${name}, `);
  }
  return lines.join("\n").replace(/, $/, "");
}
