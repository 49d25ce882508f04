// A figure: a canvas with a title, numbers at the pointer or at the arrow keys' cursor, and downloads as PNG, SVG, CSV.
//
// It shows a model: { draw(ctx, width, height, colors, cursor), at(x, y, width, height) → cursor,
// move(cursor, dx, dy) → cursor, tell(cursor) → lines of text, pick(cursor), table() → [header, rows], summary }.
// Optional is more(ctx, width, least) → pixels to add to the figure's least height, for example for a long legend.

import { download, element, fileName } from "./dom.js";
import { csv } from "./format.js";
import { SvgContext } from "./svg.js";

const tip = element("div", { className: "tip", hidden: true });
const voice = element("div", { className: "unseen", role: "status", "aria-live": "polite" });

/** Adds the elements for all figures' tips and announcements; called once a page. */
export function addTip(body) {
  body.append(tip, voice);
}

/** Redraws a figure when its size changes. */
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => target.figure?.redraw()));
/** Draws figures only while they are in sight. */
const sights = new IntersectionObserver(
  (entries) =>
    entries.forEach(({ target, isIntersecting }) => {
      target.figure.seen = isIntersecting;
      if (isIntersecting && target.figure.stale) target.figure.redraw();
    }),
  { rootMargin: "200px" },
);

export class Figure {
  /** @param colors a function that returns the present colours. */
  constructor(title, height, colors, name = title) {
    Object.assign(this, { name, height, least: height, colors, model: null, cursor: null, seen: false, stale: true });
    this.canvas = element("canvas", { tabIndex: 0, role: "img" });
    this.canvas.figure = this;
    this.title = element("span", { className: "title", textContent: title });
    this.tools = element("span", { className: "tools" });
    for (const kind of ["PNG", "SVG", "CSV"]) {
      this.tools.append(element("button", { textContent: kind, onclick: () => this.save(kind) }));
    }
    this.root = element("figure", {}, element("figcaption", {}, this.title, this.tools), this.canvas);
    this.canvas.style.height = `${height}px`;
    this.listen();
    sizes.observe(this.canvas);
    sights.observe(this.canvas);
  }

  /** Shows another model; the cursor is kept. */
  set(model, name = this.name) {
    Object.assign(this, { model, name });
    const title = this.title.textContent;
    this.canvas.setAttribute("aria-label", `${title}. ${model.summary ?? ""} Arrow keys read numbers.`);
    for (const button of this.tools.children) {
      button.title = `${title}: save as ${button.textContent}`;
      button.setAttribute("aria-label", button.title);
    }
    this.redraw();
  }

  resize(height) {
    this.least = height;
    this.stretch(height);
  }

  stretch(height) {
    this.height = height;
    this.canvas.style.height = `${height}px`;
  }

  redraw() {
    const width = this.canvas.clientWidth;
    this.stale = true;
    if (!this.model || !width || !this.seen) return;
    const ctx = this.canvas.getContext("2d");
    if (this.model.more) this.stretch(this.least + this.model.more(ctx, width, this.least));
    const dots = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * dots);
    this.canvas.height = Math.round(this.height * dots);
    ctx.scale(dots, dots);
    this.paint(ctx, width, this.cursor);
    this.stale = false;
  }

  paint(ctx, width, cursor) {
    const colors = this.colors();
    ctx.fillStyle = colors.background;
    ctx.fillRect(0, 0, width, this.height);
    this.model.draw(ctx, width, this.height, colors, cursor);
  }

  listen() {
    const { canvas } = this;
    const hit = (event) => this.model?.at(event.offsetX, event.offsetY, canvas.clientWidth, this.height) ?? null;
    canvas.addEventListener("pointermove", (event) => this.point(hit(event), event.clientX, event.clientY));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("blur", () => this.point(null));
    canvas.addEventListener("click", (event) => {
      const cursor = hit(event);
      if (cursor !== null) this.model.pick?.(cursor);
    });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key in moves && this.model) {
        event.preventDefault();
        const cursor = this.model.move(this.cursor, ...moves[event.key]);
        const box = canvas.getBoundingClientRect();
        this.point(cursor, box.left + 24, box.top + 24);
        voice.textContent = cursor === null ? "" : this.model.tell(cursor).join("; ");
      } else if ((event.key === "Enter" || event.key === " ") && this.cursor !== null && this.model?.pick) {
        event.preventDefault();
        this.model.pick(this.cursor);
      } else if (event.key === "Escape") {
        this.point(null);
      }
    });
  }

  /** Moves the cursor, and shows its numbers near a point of the window; null hides them. */
  point(cursor, x, y) {
    const same = JSON.stringify(cursor) === JSON.stringify(this.cursor);
    this.cursor = cursor;
    if (!same) this.redraw();
    this.canvas.style.cursor = cursor !== null && this.model?.pick ? "pointer" : "default";
    tip.hidden = cursor === null;
    if (cursor === null) return;
    tip.replaceChildren(...this.model.tell(cursor).map((line) => element("div", { textContent: line })));
    tip.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, window.innerHeight - tip.offsetHeight - 8))}px`;
  }

  save(kind) {
    if (!this.model) return;
    const [width, name] = [this.canvas.clientWidth, fileName(this.name)];
    if (kind === "CSV") {
      download(`${name}.csv`, new Blob([csv(...this.model.table())], { type: "text/csv" }));
    } else if (kind === "SVG") {
      const ctx = new SvgContext(width, this.height, document.createElement("canvas").getContext("2d"));
      this.paint(ctx, width, null);
      download(`${name}.svg`, new Blob([ctx.toString()], { type: "image/svg+xml" }));
    } else {
      const canvas = element("canvas", { width: 2 * width, height: 2 * this.height });
      const ctx = canvas.getContext("2d");
      ctx.scale(2, 2);
      this.paint(ctx, width, null);
      canvas.toBlob((blob) => download(`${name}.png`, blob));
    }
  }
}
