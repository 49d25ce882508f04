// The message that is shown while the server computes.

import { element } from "./dom.js";

const DELAY = 150; // milliseconds; a shorter computation is not announced

export class Waiting {
  constructor(what, why) {
    this.text = element("strong");
    this.root = element("div", { className: "waiting", role: "status", hidden: true }, this.text);
    this.root.append(element("p", { textContent: why }), element("progress", { "aria-label": what }));
    this.what = what;
  }

  begin() {
    this.end();
    const start = performance.now();
    const tell = () => {
      this.root.hidden = false;
      this.text.textContent = `${this.what} … ${Math.round((performance.now() - start) / 1000)} s`;
    };
    this.soon = setTimeout(tell, DELAY);
    this.again = setInterval(tell, 1000);
  }

  end() {
    clearTimeout(this.soon);
    clearInterval(this.again);
    this.root.hidden = true;
  }
}
