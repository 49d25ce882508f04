// The list of runs at the side: a filter, and a checkbox for every setting and each of its seeds.

import { element } from "./dom.js";

export class RunList {
  constructor(app) {
    this.app = app;
    this.filter = element("input", {
      type: "search",
      placeholder: "filter runs (regular expression)",
      value: app.state.filter,
      "aria-label": "filter runs by regular expression",
      oninput: () => {
        app.go({ filter: this.filter.value });
        this.draw();
      },
    });
    const all = (hidden) => () => {
      app.go({ hidden: hidden ? app.runs.map(({ run }) => run) : [] });
      this.draw();
    };
    this.buttons = element(
      "div",
      { className: "buttons" },
      element("button", { textContent: "all", onclick: all(false) }),
      element("button", { textContent: "none", onclick: all(true) }),
    );
    this.list = element("ul", { className: "runs" });
    this.parts = [this.filter, this.buttons, this.list];
  }

  /** The runs that match the filter; all of them where it is not a regular expression, and the filter is marked. */
  matching() {
    try {
      const filter = new RegExp(this.app.state.filter, "i");
      this.filter.setCustomValidity("");
      return this.app.runs.filter(({ run }) => filter.test(run));
    } catch {
      this.filter.setCustomValidity("not a regular expression");
      return this.app.runs;
    }
  }

  draw() {
    const items = [];
    let above = "";
    for (const [, members] of this.app.settings(this.matching())) {
      const [{ heading }] = members;
      if (heading !== above) items.push(element("li", { className: "heading faint", textContent: heading }));
      above = heading;
      items.push(this.item(members));
    }
    this.list.replaceChildren(...items);
  }

  item(members) {
    const [{ run, config, label }] = members;
    const shown = members.filter((listed) => !this.app.state.hidden.includes(listed.run)).length;
    const problems = members.filter(({ problem }) => problem);
    const reasons = problems.map((listed) => `${listed.run}: ${listed.problem}`).join("\n");
    const box = this.box(
      shown > 0,
      members.map((listed) => listed.run),
    );
    box.indeterminate = shown > 0 && shown < members.length;
    const name = element("span", {
      className: "name",
      textContent: label,
      title: reasons || (members.length > 1 ? config : run),
    });
    const mark = reasons ? element("span", { className: "problem", textContent: "!", title: reasons }) : null;
    if (members.length === 1) box.setAttribute("aria-label", run);
    const seeds =
      members.length > 1 ? element("div", { className: "seeds" }, ...members.map((listed) => this.seed(listed))) : null;
    return element("li", {}, element("label", {}, box, this.app.swatch(config), name, mark), seeds);
  }

  seed({ run, seed }) {
    const box = this.box(!this.app.state.hidden.includes(run), [run]);
    box.setAttribute("aria-label", run);
    return element("label", { title: run }, box, seed === null ? run : String(seed));
  }

  box(checked, runs) {
    const box = element("input", { type: "checkbox", checked });
    box.onchange = () => {
      const others = this.app.state.hidden.filter((name) => !runs.includes(name));
      this.app.go({ hidden: box.checked ? others : [...others, ...runs] });
      this.draw();
    };
    return box;
  }
}
