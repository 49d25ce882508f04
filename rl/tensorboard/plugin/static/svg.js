// The part of a canvas context that the figures use, recorded as SVG.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ESCAPES[c]);
const short = (x) => String(Math.round(x * 100) / 100);

export class SvgContext {
  /** @param measuring a canvas context that measures texts. */
  constructor(width, height, measuring) {
    Object.assign(this, { width, height, parts: [], path: [], kept: [], moves: "", dash: [] });
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1 });
    Object.assign(this, { font: "12px sans-serif", textAlign: "left", textBaseline: "alphabetic" });
    this.measuring = measuring;
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, moves, dash } = this;
    this.kept.push({ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, moves, dash });
  }

  restore() {
    Object.assign(this, this.kept.pop());
  }

  translate(x, y) {
    this.moves += `translate(${short(x)} ${short(y)})`;
  }

  rotate(angle) {
    this.moves += `rotate(${short((angle * 180) / Math.PI)})`;
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  measureText(text) {
    this.measuring.font = this.font;
    return this.measuring.measureText(text);
  }

  beginPath() {
    this.path = [];
  }

  moveTo(x, y) {
    this.path.push(`M${short(x)} ${short(y)}`);
  }

  lineTo(x, y) {
    this.path.push(`${this.path.length ? "L" : "M"}${short(x)} ${short(y)}`);
  }

  closePath() {
    this.path.push("Z");
  }

  /** A whole circle; other arcs are not used. */
  arc(x, y, r) {
    this.path.push(`M${short(x - r)} ${short(y)}a${short(r)} ${short(r)} 0 1 0 ${short(2 * r)} 0`);
    this.path.push(`a${short(r)} ${short(r)} 0 1 0 ${short(-2 * r)} 0`);
  }

  stroke() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    const stroke = `fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}"${dash}`;
    this.add("path", `d="${this.path.join("")}" ${stroke}`);
  }

  fill() {
    this.add("path", `d="${this.path.join("")}" fill="${escaped(this.fillStyle)}"`);
  }

  fillRect(x, y, width, height) {
    const box = `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
    this.add("rect", `${box} fill="${escaped(this.fillStyle)}"`);
  }

  strokeRect(x, y, width, height) {
    const box = `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
    this.add("rect", `${box} fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}"`);
  }

  fillText(text, x, y) {
    const anchor = { left: "start", center: "middle", right: "end" }[this.textAlign];
    const baseline = { middle: "central", top: "hanging" }[this.textBaseline] ?? "alphabetic";
    const [, weight, size, family] = this.font.match(/^(bold )?(\d+)px (.*)$/);
    const font = `font-family="${escaped(family)}" font-size="${size}"${weight ? ' font-weight="bold"' : ""}`;
    const place = `x="${short(x)}" y="${short(y)}" text-anchor="${anchor}" dominant-baseline="${baseline}"`;
    this.add("text", `${place} ${font} fill="${escaped(this.fillStyle)}"`, escaped(text));
  }

  add(element, attributes, content = "") {
    const moved = this.moves ? ` transform="${this.moves}"` : "";
    const faint = this.globalAlpha < 1 ? ` opacity="${this.globalAlpha}"` : "";
    this.parts.push(`<${element} ${attributes}${moved}${faint}>${content}</${element}>`);
  }

  /** The SVG document. */
  toString() {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}
