// The Gradients tab: its frame, the list of runs, and the choice of the view.

import { ask } from "./api.js";
import { addStyleSheet, choice, element, help, notice } from "./dom.js";
import { addTip } from "./figure.js";
import { RunList } from "./run_list.js";
import { loadState, saveState } from "./state.js";
import { lineStyle, onHostTheme, swatchFill, theme } from "./theme.js";
import { Layers } from "./view_layers.js";
import { Moment } from "./view_moment.js";
import { Overview } from "./view_overview.js";
import { Runs } from "./view_runs.js";
import { WhatIf } from "./view_whatif.js";

const VIEWS = {
  overview: ["Overview", Overview],
  layers: ["Layers × time", Layers],
  moment: ["Moment", Moment],
  whatif: ["What if", WhatIf],
  runs: ["Runs", Runs],
};
const STYLE_SHEETS = ["style", "cards", "figures"]; // in the order of the cascade
const POLL_EVERY = 5_000; // milliseconds
// Choices whose change redraws the view and asks for no data.
const NEEDS_NO_DATA = new Set(["smoothing", "extra", "unit", "theme", "help", "toggled"]);

class App {
  constructor() {
    this.state = loadState();
    if (!Object.hasOwn(VIEWS, this.state.view)) this.state.view = "overview";
    this.runs = [];
    this.views = {};
    this.loaded = false;
    this.applyTheme();
    this.build();
    onHostTheme(() => this.applyTheme());
    this.showView();
    this.poll();
    setInterval(() => document.hidden || this.poll(), POLL_EVERY);
    document.addEventListener("visibilitychange", () => document.hidden || this.poll());
  }

  /** Changes choices, remembers them and shows their effect. */
  go(changes) {
    const before = { ...this.state };
    Object.assign(this.state, changes);
    saveState(this.state);
    const changed = Object.keys(changes).filter((key) => before[key] !== this.state[key]);
    if (changed.includes("theme")) this.applyTheme();
    if (changed.includes("view")) this.showView();
    if (changed.some((key) => !NEEDS_NO_DATA.has(key))) this.refresh();
    else this.views[this.state.view]?.redraw();
  }

  visibleRuns() {
    return this.side.matching().filter(({ run }) => !this.state.hidden.includes(run));
  }

  /** The map setting → its seeds, sorted by name, with numbers in names by their value. */
  settings(runs) {
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    const sorted = [...runs].sort(
      (a, b) => compare(a.heading, b.heading) || compare(a.label, b.label) || a.seed - b.seed || compare(a.run, b.run),
    );
    const found = new Map();
    for (const run of sorted) found.set(run.config, [...(found.get(run.config) ?? []), run]);
    return found;
  }

  /** The run that the views of a single run show. */
  chosenRun() {
    const drawable = this.drawableRuns();
    return drawable.find(({ run }) => run === this.state.run) ?? drawable[0];
  }

  drawableRuns() {
    return [...this.settings(this.visibleRuns().filter(({ problem }) => !problem)).values()].flat();
  }

  runChoice() {
    const name = ({ label, seed }) => (seed === null ? label : `${label}, seed ${seed}`);
    const options = this.drawableRuns().map((listed) => [listed.run, name(listed), listed.heading]);
    return choice("run", options, this.chosenRun().run, (run) => this.go({ run }));
  }

  swatch(config) {
    const swatch = element("span", { className: "swatch", "aria-hidden": "true" });
    const style = this.configStyle(config);
    swatch.classList.toggle("dashed", style.dash.length > 0);
    swatch.style.background = swatchFill(style);
    return swatch;
  }

  /** The heading of the visible runs where it is the same for all; "" otherwise. */
  get heading() {
    const found = new Set(this.visibleRuns().map(({ heading }) => heading));
    return found.size === 1 ? [...found][0] : "";
  }

  /** The name of a setting among the visible ones, without their common heading. */
  nameOf(config) {
    const { label, heading } = this.runs.find((listed) => listed.config === config);
    return this.heading || !heading ? label : `${heading} ${label}`;
  }

  /** The style of a setting, the same for all its seeds. */
  configStyle(config) {
    const configs = [...new Set(this.runs.map((listed) => listed.config))];
    return lineStyle(this.colors.runs, Math.max(0, configs.indexOf(config)));
  }

  /** A message that says why there is nothing to see, and what to do. */
  nothingShown() {
    if (!this.loaded) return notice("Loading …");
    if (!this.runs.length) {
      return notice(
        "No run here has logged Gramians",
        "They come from the probes: train with probe=default, and point tensorboard --logdir at the folder of the runs.",
        "A new run appears here as soon as TensorBoard has read it.",
      );
    }
    const problems = this.visibleRuns().filter(({ problem }) => problem);
    if (problems.length) {
      return notice("No chosen run can be drawn", ...problems.map(({ run, problem }) => `${run}: ${problem}.`));
    }
    return notice("No run is chosen", "Choose some in the list, or change the filter above it.");
  }

  build() {
    const { state } = this;
    this.side = new RunList(this);
    this.tabs = element("div", { role: "tablist", className: "tabs", "aria-label": "views" });
    for (const [key, [title]] of Object.entries(VIEWS)) {
      const tab = element("button", {
        role: "tab",
        textContent: title,
        id: `tab-${key}`,
        "aria-controls": "view",
        onclick: () => this.go({ view: key }),
      });
      this.tabs.append(tab);
    }
    this.tabs.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by) return;
      const keys = Object.keys(VIEWS);
      const next = keys[(keys.indexOf(this.state.view) + by + keys.length) % keys.length];
      this.go({ view: next });
      this.tabs.querySelector(`#tab-${next}`).focus();
    });
    const smoothing = element("input", {
      type: "range",
      min: 0,
      max: 0.99,
      step: 0.01,
      value: state.smoothing,
      "aria-label": "smoothing",
      oninput: () => this.go({ smoothing: Number(smoothing.value) }),
    });
    const extra = element("input", { type: "checkbox", checked: state.extra });
    extra.onchange = () => this.go({ extra: extra.checked });
    const themes = [
      ["auto", "as TensorBoard"],
      ["light", "light"],
      ["dark", "dark"],
    ];
    this.status = element("span", { className: "faint status", role: "status" });
    const settings = element(
      "div",
      { className: "settings" },
      element("label", { className: "choice" }, element("span", { textContent: "smoothing" }), smoothing),
      element("label", { className: "choice" }, extra, element("span", { textContent: "extra rows" })),
      choice("colours", themes, state.theme, (chosen) => this.go({ theme: chosen })),
    );
    this.main = element("main", { id: "view", role: "tabpanel", tabIndex: -1 });
    const side = element("aside", { "aria-label": "runs" }, ...this.side.parts, settings, this.status);
    document.body.append(side, element("div", { className: "page" }, this.tabs, this.main));
    addTip(document.body);
  }

  applyTheme() {
    this.colors = theme(this.state.theme);
    document.documentElement.classList.toggle("dark", this.colors.dark);
    if (!this.side) return;
    this.side.draw();
    Object.values(this.views).forEach((view) => view.redraw());
  }

  showView() {
    const { view } = this.state;
    this.views[view] ??= new VIEWS[view][1](this);
    for (const tab of this.tabs.children) {
      const chosen = tab.id === `tab-${view}`;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    this.main.setAttribute("aria-labelledby", `tab-${view}`);
    this.main.replaceChildren(
      help(VIEWS[view][1].help, this.state.help, (open) => this.go({ help: open })),
      this.views[view].root,
    );
  }

  /** Asks for the list of runs, and refreshes the view where it has changed. */
  async poll() {
    try {
      const { runs } = await ask("runs");
      const changed = JSON.stringify(runs) !== JSON.stringify(this.runs) || !this.loaded;
      this.runs = runs;
      this.loaded = true;
      this.status.textContent = `up to date at ${new Date().toLocaleTimeString()}`;
      if (!changed) return;
      this.side.draw();
      await this.refresh();
    } catch (error) {
      this.status.textContent = error.message;
    }
  }

  /** Asks for the data of the present view; the answer to an earlier request is dropped. */
  async refresh() {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const view = this.views[this.state.view];
    this.main.querySelector(".error")?.remove();
    this.main.setAttribute("aria-busy", "true");
    try {
      await view.refresh(asking.signal);
    } catch (error) {
      if (error.name === "AbortError" || asking.signal.aborted) return;
      const shown = notice("This could not be shown", error.message);
      shown.classList.add("error");
      this.main.prepend(shown);
      // The pictures may be another run's, so they are hidden; choosing a run must remain possible.
      if (view.body) view.body.hidden = true;
      if (view.controls && !view.controls.hasChildNodes() && this.chosenRun()) view.controls.append(this.runChoice());
    }
    if (this.asking === asking) this.main.setAttribute("aria-busy", "false");
  }
}

/** TensorBoard calls this when it has loaded the module. */
export async function render() {
  document.documentElement.lang = "en";
  await Promise.all(STYLE_SHEETS.map(addStyleSheet));
  new App();
}
