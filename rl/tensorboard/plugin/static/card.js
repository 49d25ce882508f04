// The card of a setting on the Overview: its sentence and sparklines, and its charts when it is open.

import { AXES, isLog } from "./axes.js";
import { element, notice } from "./dom.js";
import { Figure } from "./figure.js";
import { percent, whole } from "./format.js";
import { lineChart } from "./lines.js";
import { smoothedLine } from "./smoothing.js";
import { sparkline } from "./sparkline.js";
import { pairStyle, rowStyle } from "./theme.js";

const MAX_PAIRS = 8; // lines in a chart of pairs; more cannot be told apart
// Charts in one column share their time axis.
const COLUMNS = [
  ["returns", "norm"],
  ["share", "ratio"],
  ["cosine", "conflict"],
];
const CHARTS = {
  returns: ["Return", "Mean return of the episodes that ended, in training and in evaluations."],
  norm: ["Norms of the rows", "A row is an objective's gradient with respect to the shared weights."],
  share: [
    "Share of the applied step",
    "Negative: the step lowers this objective's loss, to first order. The absolute values add up to 1.",
  ],
  ratio: ["Norm ratio", "The norm of each row over that of the row named in the title."],
  cosine: ["Cosines", "Shaded: ±2/√P, the range for independent directions. Below it the rows conflict."],
  conflict: [
    "Conflict",
    "Fraction of the layers, averaged over neighbouring moments, in which the cosine is negative. Shaded: chance.",
  ],
};

export class Card {
  /** @param members the runs of the setting, as the route /runs lists them. */
  constructor(app, members, onToggle) {
    const [{ config, label, heading, legend }] = members;
    Object.assign(this, { app, config, members, data: null, figures: null, isOpen: false });
    this.toggle = element("button", { className: "link toggle", onclick: onToggle, "aria-expanded": "false" });
    this.toggle.append(
      app.swatch(config),
      element("span", { className: "mark", "aria-hidden": "true", textContent: "▸" }),
      element("h2", { textContent: label, title: heading ? `${heading} ${label}` : label }),
    );
    const known = members.find(({ legend }) => legend)?.legend ?? legend;
    const seeds = members.length === 1 ? null : `${members.length} runs`;
    const facts = [known?.combiner, seeds].filter(Boolean).join(" · ");
    const head = element("header", {}, this.toggle, element("span", { className: "faint", textContent: facts }));
    this.sentence = element("p", { className: "sentence" });
    this.detail = element("p", { className: "faint", hidden: true });
    this.sparks = element("div", { className: "sparks" });
    this.problems = element("div");
    this.charts = element("div", { hidden: true });
    const words = element("div", { className: "words" }, head, this.sentence, this.detail, this.problems);
    this.root = element("section", { className: "card", "aria-label": config }, words, this.sparks, this.charts);
  }

  /** Shows new numbers, an entry of `settings` in the answer of /overview. */
  set(data) {
    this.data = data;
    this.draw();
  }

  open(isOpen) {
    this.isOpen = isOpen;
    this.root.classList.toggle("open", isOpen);
    this.toggle.setAttribute("aria-expanded", String(isOpen));
    this.charts.hidden = this.detail.hidden = !isOpen;
    this.draw();
  }

  draw() {
    const { data } = this;
    if (!data) return;
    this.problems.replaceChildren(...data.problems.map(({ run, problem }) => this.notice(run, problem)));
    this.sentence.textContent = data.sentence ?? "";
    this.detail.textContent = data.detail ?? "";
    if (!data.runs.length) return;
    this.drawSparks();
    if (this.isOpen) this.drawCharts();
  }

  notice(run, problem) {
    const name = this.members.length > 1 ? `${run} cannot be drawn` : "This run cannot be drawn";
    return notice(name, `Why: ${problem}.`);
  }

  drawSparks() {
    const { data, app } = this;
    const { objectives, steps, compared } = data;
    const styled = (line) => ({ steps, ...line, ...rowStyle(app.colors, line.name, objectives) });
    const ratio = data.ratio.find(({ name }) => name === compared) ?? data.ratio[0];
    const size = ({ values }) => values.reduce((sum, x) => sum + Math.abs(x ?? 0), 0);
    const share = [...data.share].sort((a, b) => size(b) - size(a))[0];
    const made = [];
    const [returned] = data.returns;
    if (returned) made.push(sparkline("return", { ...returned, color: app.colors.text }));
    if (ratio) made.push(sparkline(`${ratio.name} : ${data.reference}`, styled(ratio), { log: true }));
    if (share) {
      const options = { range: [-1, 1], show: percent };
      const title = size(share) > 0 ? `share, ${share.name}` : "share"; // without a logged step no objective has one
      made.push(sparkline(title, styled(share), options));
    }
    this.sparks.replaceChildren(...made);
  }

  drawCharts() {
    this.figures ??= this.build();
    const { app, data } = this;
    const [run] = data.runs;
    const { chance } = data;
    const options = {
      ...AXES,
      cosine: { ...AXES.cosine, band: [-data.null_band, data.null_band] },
      conflict: { ...AXES.conflict, band: [0.5 - chance, 0.5 + chance] },
    };
    const every = [data.steps, ...data.returns.map(({ steps }) => steps)].filter((steps) => steps.length);
    const ends = every.length
      ? { span: [Math.min(...every.map((s) => s[0])), Math.max(...every.map((s) => s.at(-1)))] }
      : {};
    const onPick = (step) => app.go({ view: "moment", run, step });
    for (const [key, figure] of Object.entries(this.figures)) {
      const title = key === "ratio" ? `Norm ratio over ${data.reference}` : CHARTS[key][0];
      figure.title.textContent = title;
      figure.set(lineChart(this.lines(key), { ...options[key], ...ends, onPick }), `${this.config} ${title}`);
    }
    this.note.textContent = this.notes();
  }

  build() {
    const figures = {};
    const columns = COLUMNS.map((keys) => {
      for (const key of keys) {
        const [title, explained] = CHARTS[key];
        figures[key] = new Figure(
          title,
          key === "returns" ? 150 : 190,
          () => this.app.colors,
          `${this.config} ${title}`,
        );
        figures[key].title.title = explained;
      }
      return element("div", {}, ...keys.map((key) => figures[key].root));
    });
    this.note = element("p", { className: "faint" });
    const { runs } = this.data;
    const layers = element("button", {
      className: "link",
      textContent: runs.length > 1 ? `layers of ${runs[0]}` : "layers",
      onclick: () => this.app.go({ view: "layers", run: this.data.runs[0] }),
    });
    this.charts.replaceChildren(element("div", { className: "charts" }, ...columns), this.note, layers);
    return figures;
  }

  /** The lines of a chart; a pair of rows has one colour in both charts of pairs. */
  lines(key) {
    const { app, data } = this;
    const { smoothing, extra } = app.state;
    const pairs = key === "cosine" || key === "conflict";
    const rows = data.norm.map(({ name }) => name);
    const m = data.objectives.length;
    const left = pairs ? pairsLeftOut(data) : new Set();
    const shown = data[key].filter((line) => (extra || !line.extra) && !left.has(line.name));
    return shown.map((line, k) => ({
      ...line,
      steps: line.steps ?? data.steps,
      ...smoothedLine(line, smoothing, isLog(key)),
      ...(pairs ? pairStyle(app.colors, k) : key === "returns" ? returnStyle(app.colors, k) : {}),
      ...(pairs || key === "returns" ? {} : rowStyle(app.colors, line.name, rows, m)),
    }));
  }

  notes() {
    const { data } = this;
    const each = data.moments_per_point;
    const pairs = data.conflict.length;
    const notes = [
      data.moments === 1 ? "1 moment" : `${whole(data.moments)} moments`,
      data.runs.length > 1 ? `lines are medians over ${data.runs.length} runs, bands their quartiles` : null,
      data.window > 1 ? `shares and conflict are means over ${data.window} moments` : null,
      each > 1 ? `a point is the median of ${each} moments (for shares and conflict the mean)` : null,
      pairs > MAX_PAIRS ? `of ${pairs} pairs, the ${MAX_PAIRS} with the lowest mean cosines are drawn` : null,
      pairs > MAX_PAIRS && this.app.state.extra ? `extra rows are paired with ${data.leads.join(", ")}` : null,
      data.broken ? `gaps at ${whole(data.broken)}, with numbers that are not finite` : null,
      data.left_out
        ? `${whole(data.left_out)} left out, with a shape that differs from the legend's or a step that is not valid`
        : null,
    ];
    return `${notes.filter(Boolean).join("; ")}.`;
  }
}

function returnStyle(colors, k) {
  return { color: k ? colors.faint : colors.text, dash: k ? [6, 3] : [] };
}

/**
 * The names of the pairs that are not drawn where there are too many pairs of objectives: all pairs of objectives but
 * those with the lowest mean cosines, and the extra rows' pairs with objectives that do not lead a group.
 */
function pairsLeftOut({ cosine, conflict, norm, leads }) {
  if (conflict.length <= MAX_PAIRS) return new Set();
  const mean = ({ values }) => {
    const known = values.filter((x) => x !== null);
    return known.length ? known.reduce((sum, x) => sum + x, 0) / known.length : Infinity;
  };
  const sorted = cosine.filter((line) => !line.extra).sort((a, b) => mean(a) - mean(b));
  const extraRows = norm.filter((line) => line.extra).map(({ name }) => name);
  const drawn = new Set(leads.flatMap((lead) => extraRows.map((row) => `${lead} · ${row}`)));
  const left = [...sorted.slice(MAX_PAIRS), ...cosine.filter((line) => line.extra && !drawn.has(line.name))];
  return new Set(left.map(({ name }) => name));
}
