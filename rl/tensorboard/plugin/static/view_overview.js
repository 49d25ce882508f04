// Overview: for each setting who moves the torso, in a sentence; opened, who pulls how hard, who fights, whom the step serves.

import { ask } from "./api.js";
import { Card } from "./card.js";
import { element } from "./dom.js";

const RUNS_AT_ONCE = 6;
const POINTS = 200;
const FEW = 3; // settings that are open at first

export class Overview {
  static help = [
    "A card is a setting, its seeds folded: the sentence says who moves the torso. Open it for the charts.",
    "Norms: how hard each objective pulls on the shared weights. A ratio over 30 says that one of them owns the torso.",
    "Cosines: 1 is the same wish, −1 the opposite one. Within the shaded band two random directions would be, too.",
    "Conflict: how often two rows have a negative cosine, over layers and neighbouring moments; within the shaded band by chance.",
    "Share of the applied step: how much of each loss the step that was taken changes, to first order. Negative lowers the loss; the sizes add up to 1.",
    "Click a chart for that moment. Extra rows (combined, clipped, −applied, stale/…, through_target) are switched on at the left.",
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
      const run = some.flatMap(([, members]) => members.map((of) => of.run));
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

  /** The cards in the list's order, below what the names of each folder share. */
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

/** Settings in portions of about so many runs. */
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
