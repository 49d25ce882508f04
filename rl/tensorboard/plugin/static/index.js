// The Gradients tab: its frame, the list of runs, and which view is shown.

import { ask } from "./api.js";
import { choice, element, notice } from "./dom.js";
import { addTip } from "./figure.js";
import { loadState, saveState } from "./state.js";
import { lineStyle, onHostTheme, theme } from "./theme.js";
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
const LOOK_AGAIN = 5_000; // milliseconds
const NEEDS_NO_DATA = new Set(["smoothing", "extra", "unit", "theme", "help"]);

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
    this.look();
    setInterval(() => document.hidden || this.look(), LOOK_AGAIN);
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  /** Changes what is chosen, and shows it. */
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
    return this.matchingRuns().filter(({ run }) => !this.state.hidden.includes(run));
  }

  /** The run that the views of one run show. */
  chosenRun() {
    const drawable = this.visibleRuns().filter(({ problem }) => !problem);
    return drawable.find(({ run }) => run === this.state.run) ?? drawable[0];
  }

  runChoice() {
    const drawable = this.visibleRuns().filter(({ problem }) => !problem);
    const options = drawable.map(({ run }) => [run, run]);
    return choice("run", options, this.chosenRun().run, (run) => this.go({ run }));
  }

  swatch(run) {
    const swatch = element("span", { className: "swatch", "aria-hidden": "true" });
    swatch.style.background = this.configStyle(this.runs.find((of) => of.run === run).config).color;
    return swatch;
  }

  /** The style of a configuration, which its seeds share. */
  configStyle(config) {
    const configs = [...new Set(this.runs.map((of) => of.config))];
    return lineStyle(this.colors.runs, Math.max(0, configs.indexOf(config)));
  }

  /** Why there is nothing to see, and what to do. */
  nothingShown() {
    if (!this.loaded) return notice("Loading …");
    if (!this.runs.length) {
      return notice(
        "No run here has logged Gramians",
        "They come from the probes: train with probe=default, and point tensorboard --logdir at the folder of the runs.",
        "A new run shows up here by itself, as soon as TensorBoard has read it.",
      );
    }
    const problems = this.visibleRuns().filter(({ problem }) => problem);
    if (problems.length) {
      return notice("No chosen run can be drawn", ...problems.map(({ run, problem }) => `${run}: ${problem}.`));
    }
    return notice("No run is chosen", "Choose some in the list, or change the filter above it.");
  }

  matchingRuns() {
    let filter;
    try {
      filter = new RegExp(this.state.filter, "i");
      this.filter?.setCustomValidity("");
    } catch {
      this.filter?.setCustomValidity("not a regular expression");
      return this.runs;
    }
    return this.runs.filter(({ run }) => filter.test(run));
  }

  build() {
    const { state } = this;
    this.filter = element("input", {
      type: "search",
      placeholder: "filter runs (regular expression)",
      value: state.filter,
      "aria-label": "filter runs by regular expression",
      oninput: () => {
        this.go({ filter: this.filter.value });
        this.listRuns();
      },
    });
    this.list = element("ul", { className: "runs" });
    const all = (hidden) => () => {
      this.go({ hidden: hidden ? this.runs.map(({ run }) => run) : [] });
      this.listRuns();
    };
    const buttons = element(
      "div",
      { className: "buttons" },
      element("button", { textContent: "all", onclick: all(false) }),
      element("button", { textContent: "none", onclick: all(true) }),
    );
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
    const side = element("aside", { "aria-label": "runs" }, this.filter, buttons, this.list, settings, this.status);
    document.body.append(side, element("div", { className: "page" }, this.tabs, this.main));
    addTip(document.body);
  }

  listRuns() {
    const { hidden } = this.state;
    const items = this.matchingRuns().map(({ run, problem }) => {
      const box = element("input", { type: "checkbox", checked: !hidden.includes(run) });
      box.onchange = () => {
        const others = this.state.hidden.filter((name) => name !== run);
        this.go({ hidden: box.checked ? others : [...others, run] });
      };
      const name = element("span", {
        className: "name",
        textContent: run,
        title: problem ? `${run}: ${problem}` : run,
      });
      const mark = problem ? element("span", { className: "problem", textContent: "!", title: problem }) : null;
      return element("li", {}, element("label", {}, box, this.swatch(run), name, mark));
    });
    this.list.replaceChildren(...items);
  }

  applyTheme() {
    this.colors = theme(this.state.theme);
    document.documentElement.classList.toggle("dark", this.colors.dark);
    if (!this.list) return;
    this.listRuns();
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
    this.main.replaceChildren(this.help(VIEWS[view][1].help), this.views[view].root);
  }

  help(sentences) {
    const items = sentences.map((text) => element("li", { textContent: text }));
    const details = element(
      "details",
      { className: "help", open: this.state.help },
      element("summary", { textContent: "How to read this" }),
      element("ul", {}, ...items),
    );
    details.ontoggle = () => this.go({ help: details.open });
    return details;
  }

  /** Asks whether there is anything new. */
  async look() {
    try {
      const { runs } = await ask("runs");
      const changed = JSON.stringify(runs) !== JSON.stringify(this.runs) || !this.loaded;
      this.runs = runs;
      this.loaded = true;
      this.status.textContent = `up to date at ${new Date().toLocaleTimeString()}`;
      if (!changed) return;
      this.listRuns();
      await this.refresh();
    } catch (error) {
      this.status.textContent = error.message;
    }
  }

  /** Asks for what the present view shows; an answer that comes too late is dropped. */
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
      // The pictures may be another run's; the choice of a run is the way out.
      if (view.body) view.body.hidden = true;
      if (view.controls && !view.controls.hasChildNodes() && this.chosenRun()) view.controls.append(this.runChoice());
    }
    if (this.asking === asking) this.main.setAttribute("aria-busy", "false");
  }
}

/** TensorBoard calls this once the page is there. */
export async function render() {
  document.documentElement.lang = "en";
  const style = element("link", { rel: "stylesheet", href: new URL("./style.css", import.meta.url).href });
  const ready = new Promise((resolve) => (style.onload = style.onerror = resolve));
  document.head.append(style);
  await ready;
  new App();
}
