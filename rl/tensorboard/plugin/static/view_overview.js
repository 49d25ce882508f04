// Overview: for each run who pulls how hard, whether they fight, and whom the step serves.

import { ask } from "./api.js";
import { element, notice } from "./dom.js";
import { Figure } from "./figure.js";
import { whole } from "./format.js";
import { lineChart } from "./lines.js";
import { smoothed } from "./scales.js";
import { lineStyle, rowStyle } from "./theme.js";

const RUNS_AT_ONCE = 4;
const POINTS = 200;
const CHARTS = {
  norm: ["Norms of the rows", "How hard each objective pulls on the shared weights: lengths of the raw rows."],
  cosine: ["Cosines", "Shaded: within ±2/√P two random directions would be, too. Below it, the rows fight."],
  conflict: ["Conflict", "Share of layers in which two rows have a negative cosine. About ½ is noise, not conflict."],
  share: ["Share of the applied step", "Negative: the step lowers this objective's loss. The sizes add up to 1."],
};

export class Overview {
  static help = [
    "Norms: how hard each objective pulls on the shared weights. A ratio over 30 says that one of them owns the torso.",
    "Cosines: 1 is the same wish, −1 the opposite one. Within the shaded band two random directions would be, too.",
    "Conflict: the share of layers in which two rows have a negative cosine; about ½ is noise, not conflict.",
    "Share: whose loss the step that was taken changes, to first order. Negative lowers the loss; the sizes add up to 1.",
    "Click a chart for that moment. Extra rows (combined, clipped, −applied, stale/…, through_target) are switched on at the left.",
  ];

  constructor(app) {
    this.app = app;
    this.cards = new Map();
    this.kept = new Map(); // run → { version, data }
    this.root = element("div", { className: "cards" });
  }

  async refresh(signal) {
    const { app } = this;
    const shown = app.visibleRuns();
    this.root.querySelector(".notice")?.remove();
    for (const [run, card] of this.cards) if (!shown.some((of) => of.run === run)) this.drop(run, card);
    if (!shown.length) {
      this.root.append(app.nothingShown());
      return;
    }
    for (const of of shown) {
      if (!this.cards.has(of.run)) this.cards.set(of.run, this.card(of));
      this.root.append(this.cards.get(of.run).root); // in the list's order
    }
    const wanted = shown.filter((of) => !of.problem && this.kept.get(of.run)?.version !== of.version);
    for (let at = 0; at < wanted.length; at += RUNS_AT_ONCE) {
      const some = wanted.slice(at, at + RUNS_AT_ONCE);
      const { runs } = await ask("overview", { run: some.map((of) => of.run), points: POINTS }, signal);
      for (const data of runs) {
        const { version } = some.find((of) => of.run === data.run);
        this.kept.set(data.run, { version, data });
        this.draw(data.run);
      }
    }
  }

  redraw() {
    for (const run of this.cards.keys()) this.draw(run);
  }

  card({ run, problem, legend }) {
    const made = { figures: {}, note: element("p", { className: "faint" }) };
    const open = element("button", {
      className: "link",
      textContent: "layers",
      onclick: () => this.app.go({ view: "layers", run }),
    });
    const head = element(
      "header",
      {},
      this.app.swatch(run),
      element("h2", { textContent: run }),
      legend ? element("span", { className: "faint", textContent: legend.combiner }) : null,
      problem ? null : open,
    );
    made.root = element("section", { className: "card", "aria-label": run }, head);
    if (problem) {
      made.root.append(notice("This run cannot be drawn", `Why: ${problem}.`));
      return made;
    }
    const grid = element("div", { className: "charts" });
    for (const [key, [title, explained]] of Object.entries(CHARTS)) {
      const figure = new Figure(title, 190, () => this.app.colors, `${run} ${title}`);
      figure.title.title = explained;
      made.figures[key] = figure;
      grid.append(figure.root);
    }
    made.root.append(grid, made.note);
    return made;
  }

  drop(run, card) {
    card.root.remove();
    this.cards.delete(run);
  }

  draw(run) {
    const [card, data] = [this.cards.get(run), this.kept.get(run)?.data];
    if (!card || !data || !card.figures.norm) return;
    const { app } = this;
    const { smoothing, extra } = app.state;
    const rows = data.norm.map(({ name }) => name);
    const onPick = (step) => app.go({ view: "moment", run, step });
    const lines = (key) =>
      data[key]
        .filter((line) => extra || !line.extra)
        .map((line, k) => ({
          ...line,
          steps: data.steps,
          values: smoothed(line.values, smoothing),
          raw: line.values,
          ...(key === "norm" || key === "share"
            ? rowStyle(app.colors, line.name, rows)
            : lineStyle(app.colors.runs, k)),
        }));
    const options = {
      norm: { log: true },
      cosine: { range: [-1, 1], band: data.null_band, zero: true },
      conflict: { range: [0, 1] },
      share: { range: [-1, 1], zero: true },
    };
    for (const key of Object.keys(CHARTS)) {
      card.figures[key].set(lineChart(lines(key), { ...options[key], onPick }), `${run} ${CHARTS[key][0]}`);
    }
    const each = data.moments_per_point;
    const notes = [
      data.moments === 1 ? "1 moment" : `${whole(data.moments)} moments`,
      each > 1 ? `a point is the median of ${each} (of conflict the mean)` : null,
      data.broken ? `in ${whole(data.broken)} a number is not finite, which leaves a gap` : null,
      data.left_out ? `${whole(data.left_out)} of another shape than their legend are left out` : null,
    ];
    card.note.textContent = `${notes.filter(Boolean).join("; ")}.`;
  }
}
