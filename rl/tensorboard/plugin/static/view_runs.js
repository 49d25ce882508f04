// Runs: settings compared, the seeds of each folded into median and quartiles.

import { ask } from "./api.js";
import { AXES, isLog } from "./axes.js";
import { element } from "./dom.js";
import { Figure } from "./figure.js";
import { number } from "./format.js";
import { lineChart } from "./lines.js";
import { smoothedLine } from "./smoothing.js";
import { label, quantityChoices, chosenQuantity } from "./view_layers.js";

const POINTS = 200;
const MAX_NAMES = 12; // settings named in the chart; more are numbered there and named in the table

export class Runs {
  static help = [
    "A line is a setting, with the number of its seeds in parentheses. Where the bands of two settings do not overlap, most seeds agree on their order.",
  ];

  constructor(app) {
    this.app = app;
    this.controls = element("div", { className: "controls" });
    this.figure = new Figure("Settings", 420, () => app.colors);
    this.table = element("table", { className: "numbers" });
    this.note = element("p", {
      className: "faint",
      textContent:
        "Runs whose names differ only in the seed are one line: the median over seeds, and a band from the lower to the " +
        "upper quartile. The list on the left says which runs are compared.",
    });
    this.body = element("div", {}, this.figure.root, this.note, element("div", { className: "scroll" }, this.table));
    this.root = element("div", {}, this.controls, this.body);
  }

  async refresh(signal) {
    const { app } = this;
    const shown = app.visibleRuns().filter(({ problem }) => !problem);
    this.root.querySelector(".notice")?.remove();
    this.body.hidden = !shown.length;
    this.controls.replaceChildren();
    if (!shown.length) {
      this.root.append(app.nothingShown());
      return;
    }
    this.asked = chosenQuantity(app, shown[0], app.state.foldedQuantity);
    this.controls.append(...quantityChoices(app, shown[0], this.asked, "foldedQuantity"));
    const { groups } = await ask("folded", { run: shown.map(({ run }) => run), ...this.asked, points: POINTS }, signal);
    this.groups = groups;
    this.redraw();
  }

  redraw() {
    const { app, groups, asked } = this;
    if (!groups) return;
    const { smoothing } = app.state;
    const order = [...app.settings(app.visibleRuns()).keys()];
    groups.sort((a, b) => order.indexOf(a.config) - order.indexOf(b.config));
    const drawn = groups.filter(({ runs }) => runs.length);
    const many = drawn.length > MAX_NAMES;
    const place = (config) => drawn.findIndex((group) => group.config === config) + 1;
    const name = ({ config, runs }) => (many ? String(place(config)) : `${app.nameOf(config)} (${runs.length})`);
    const lines = drawn.map((group) => ({
      name: name(group),
      steps: group.steps,
      ...smoothedLine(curve(group), smoothing, isLog(asked.quantity)),
      ...app.configStyle(group.config),
    }));
    const { heading } = app;
    this.figure.title.textContent = heading ? `${label(asked)}, in ${heading}` : label(asked);
    this.figure.set(lineChart(lines, AXES[asked.quantity]), `runs ${label(asked)}`);
    const heads = ["setting", "seeds", "median over the run", "min", "max", "left out"];
    const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
    const rows = groups.map(({ config, runs, left_out: leftOut, summary }) =>
      element(
        "tr",
        {},
        element(
          "th",
          { scope: "row", title: config },
          app.swatch(config),
          element("span", { textContent: `${many && runs.length ? `${place(config)} · ` : ""}${app.nameOf(config)}` }),
        ),
        element("td", { textContent: String(runs.length) }),
        ...["median", "least", "most"].map((key) => element("td", { textContent: number(summary?.[key]) })),
        element("td", { textContent: leftOut.length ? `${leftOut.length} without these rows` : "" }),
      ),
    );
    this.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }
}

/** The median of a setting's runs, with quartiles where there are several. */
function curve({ median, low, high, runs }) {
  return runs.length > 1 ? { values: median, low, high } : { values: median };
}
