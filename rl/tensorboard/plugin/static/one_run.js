// The common part of the views of a single run: controls above a body, or a notice where no run can be drawn.

import { element } from "./dom.js";

/** A view implements `show(listed, signal)` for an entry of /runs, and fills `controls` and `body`. */
export class OneRun {
  constructor(app) {
    this.app = app;
    this.controls = element("div", { className: "controls" });
    this.note = element("p", { className: "faint" });
    this.body = element("div");
    this.root = element("div", {}, this.controls, this.body);
  }

  async refresh(signal) {
    const listed = this.app.chosenRun();
    this.root.querySelector(".notice")?.remove();
    this.body.hidden = !listed;
    if (listed) await this.show(listed, signal);
    else {
      this.controls.replaceChildren();
      this.root.append(this.app.nothingShown());
    }
  }
}
