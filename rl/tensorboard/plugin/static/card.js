// The card of a setting: its sentence and sparklines, and its charts once it is opened.

import { AXES, isLog } from "./axes.js";
import { element, notice } from "./dom.js";
import { Figure } from "./figure.js";
import { percent, whole } from "./format.js";
import { lineChart } from "./lines.js";
import { smoothedLine } from "./smoothing.js";
import { sparkline } from "./sparkline.js";
import { pairStyle, rowStyle } from "./theme.js";

const MOST_PAIRS = 8; // more lines no eye keeps apart
// Columns of two: what stands below another has its time axis.
const COLUMNS = [
  ["returns", "norm"],
  ["share", "ratio"],
  ["cosine", "conflict"],
];
const CHARTS = {
  returns: ["Return", "Of the episodes that ended, in training and in evaluations."],
  norm: ["Norms of the rows", "How hard each objective pulls on the shared weights: lengths of the raw rows."],
  share: ["Share of the applied step", "Negative: the step lowers this objective's loss. The sizes add up to 1."],
  ratio: ["Norm ratio", "How many times as long as the row of the objective named in the title."],
  cosine: ["Cosines", "Shaded: within ±2/√P two random directions would be, too. Below it, the rows fight."],
  conflict: [
    "Conflict",
    "Share of layers and neighbouring moments with a negative cosine. Shaded: as often by chance.",
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
    const said = members.find(({ legend }) => legend)?.legend ?? legend;
    const seeds = members.length === 1 ? null : `${members.length} runs`;
    const what = [said?.combiner, seeds].filter(Boolean).join(" · ");
    const head = element("header", {}, this.toggle, element("span", { className: "faint", textContent: what }));
    this.sentence = element("p", { className: "sentence" });
    this.detail = element("p", { className: "faint", hidden: true });
    this.sparks = element("div", { className: "sparks" });
    this.problems = element("div");
    this.charts = element("div", { hidden: true });
    const told = element("div", { className: "told" }, head, this.sentence, this.detail, this.problems);
    this.root = element("section", { className: "card", "aria-label": config }, told, this.sparks, this.charts);
  }

  /** New numbers, as the route /overview answers. */
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
    const { objectives, steps } = data;
    const styled = (line) => ({ steps, ...line, ...rowStyle(app.colors, line.name, objectives) });
    const ratio = data.ratio.find(({ name }) => name === "value") ?? data.ratio[0];
    const size = ({ values }) => values.reduce((sum, x) => sum + Math.abs(x ?? 0), 0);
    const share = [...data.share].sort((a, b) => size(b) - size(a))[0];
    const made = [];
    const [returned] = data.returns;
    if (returned) made.push(sparkline("return", { ...returned, color: app.colors.text }));
    if (ratio) made.push(sparkline(`${ratio.name} : ${data.reference}`, styled(ratio), { log: true }));
    if (share) {
      const options = { range: [-1, 1], show: percent };
      made.push(sparkline(`share, ${share.name}`, styled(share), options));
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

  lines(key) {
    const { app, data } = this;
    const { smoothing, extra } = app.state;
    const pairs = key === "cosine" || key === "conflict";
    const rows = data.norm.map(({ name }) => name);
    const m = data.objectives.length;
    const shown = data[key].filter((line) => extra || !line.extra);
    return (pairs ? lowest(shown) : shown).map((line, k) => ({
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
      each > 1 ? `a point is the median of ${each} (of shares and conflict the mean)` : null,
      pairs > MOST_PAIRS ? `of ${pairs} pairs the ${MOST_PAIRS} with the lowest lines are drawn` : null,
      data.broken ? `in ${whole(data.broken)} a number is not finite, which leaves a gap` : null,
      data.left_out
        ? `${whole(data.left_out)} left out: of another shape than their legend, or at a step that is none`
        : null,
    ];
    return `${notes.filter(Boolean).join("; ")}.`;
  }
}

function returnStyle(colors, k) {
  return { color: k ? colors.faint : colors.text, dash: k ? [6, 3] : [] };
}

/** Of the objectives' pairs those with the lowest means, in their own order; other pairs as they are. */
function lowest(lines) {
  const mean = ({ values }) => {
    const known = values.filter((x) => x !== null);
    return known.length ? known.reduce((sum, x) => sum + x, 0) / known.length : Infinity;
  };
  const sorted = lines.filter((line) => !line.extra).sort((a, b) => mean(a) - mean(b));
  const left = new Set(sorted.slice(MOST_PAIRS));
  return lines.filter((line) => !left.has(line));
}
