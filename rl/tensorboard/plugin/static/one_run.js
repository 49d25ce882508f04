// What the views of one run have in common: controls above a body, and a notice in its place where there is no run.

import { element } from "./dom.js";

/** A view shows a run by `show(of, signal)`, and fills `controls` and `body`. */
export class OneRun {
  constructor(app) {
    this.app = app;
    this.controls = element("div", { className: "controls" });
    this.note = element("p", { className: "faint" });
    this.body = element("div");
    this.root = element("div", {}, this.controls, this.body);
  }

  async refresh(signal) {
    const of = this.app.chosenRun();
    this.root.querySelector(".notice")?.remove();
    this.body.hidden = !of;
    if (of) await this.show(of, signal);
    else {
      this.controls.replaceChildren();
      this.root.append(this.app.nothingShown());
    }
  }
}
