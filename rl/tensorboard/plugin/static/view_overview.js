// Overview: a card for each setting, with a sentence on which objective moves the torso, and with charts when opened.

import { ask } from "./api.js";
import { Card } from "./card.js";
import { element } from "./dom.js";

const RUNS_AT_ONCE = 6;
const POINTS = 200;
const FEW = 3; // where there are no more settings, all are open at first

export class Overview {
  static help = [
    "A card is a setting: one configuration with all its seeds. Its sentence says which objective moves the torso; open it for the charts.",
    "Norms: the norm of each objective's row, its gradient with respect to the shared weights. A ratio above 30 means that one objective dominates the torso.",
    "Cosines: 1 for rows in the same direction, −1 for opposite rows. Cosines of independent directions lie within the shaded band.",
    "Conflict: the fraction of layers, averaged over neighbouring moments, in which two rows have a negative cosine. Chance alone gives values within the shaded band.",
    "Share of the applied step: the first-order change of each loss by the step, times its coefficient, relative to those of all objectives. Negative: the step lowers the loss. The absolute values add up to 1.",
    "Click a chart to open that moment. The checkbox on the left adds the extra rows (combined, clipped, −applied, stale/…, through_target).",
  ];

  constructor(app) {
    this.app = app;
    this.cards = new Map(); // setting → card
    this.kept = new Map(); // setting → { version, data }
    this.root = element("div", { className: "cards" });
  }

  async refresh(signal) {
    const { app } = this;
    const settings = [...app.settings(app.visibleRuns())];
    this.arrange(settings);
    const version = (members) => JSON.stringify(members.map(({ run, version, problem }) => [run, version, problem]));
    const wanted = settings.filter(([config, members]) => this.kept.get(config)?.version !== version(members));
    for (const some of portions(wanted)) {
      const run = some.flatMap(([, members]) => members.map((listed) => listed.run));
      const answer = await ask("overview", { run, points: POINTS }, signal);
      for (const data of answer.settings) {
        const [, members] = some.find(([config]) => config === data.config);
        this.kept.set(data.config, { version: version(members), data });
        this.cards.get(data.config)?.set(data);
      }
    }
  }

  redraw() {
    const { app } = this;
    this.arrange([...app.settings(app.visibleRuns())]);
    for (const card of this.cards.values()) card.draw();
  }

  /** Puts the cards in the order of the list, each folder's below its heading. */
  arrange(settings) {
    const { app } = this;
    const before = new Map(this.cards);
    this.cards.clear();
    const shown = [];
    let above = "";
    for (const [config, members] of settings) {
      const [{ heading }] = members;
      if (heading !== above) shown.push(element("h2", { className: "heading", textContent: heading }));
      above = heading;
      const known = before.get(config);
      const same = known && known.members.map(({ run }) => run).join("\n") === members.map(({ run }) => run).join("\n");
      const card = same ? known : new Card(app, members, () => this.toggle(config));
      if (!same && this.kept.has(config)) card.data = this.kept.get(config).data;
      const isOpen = this.isOpen(config, settings.length);
      if (!same || card.isOpen !== isOpen) card.open(isOpen);
      this.cards.set(config, card);
      shown.push(card.root);
    }
    if (!settings.length) shown.push(app.nothingShown());
    if (shown.some((root, k) => root !== this.root.children[k]) || shown.length !== this.root.children.length) {
      this.root.replaceChildren(...shown);
    }
  }

  isOpen(config, count) {
    return count <= FEW !== this.app.state.toggled.includes(config);
  }

  toggle(config) {
    const { toggled } = this.app.state;
    const others = toggled.filter((other) => other !== config);
    this.app.go({ toggled: others.length < toggled.length ? others : [...toggled, config] });
  }
}

/** Settings in portions of at least RUNS_AT_ONCE runs each, so that the first cards appear early. */
function portions(settings) {
  const found = [];
  let count = Infinity;
  for (const setting of settings) {
    if (count >= RUNS_AT_ONCE) {
      found.push([]);
      count = 0;
    }
    found.at(-1).push(setting);
    count += setting[1].length;
  }
  return found;
}
