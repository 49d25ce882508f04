// Numbers and names as text.

/** A number with three significant digits; an en dash where it is not finite or missing. */
export function number(x) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text =
    size >= 1e5 || size < 1e-3 ? String(Number(x.toPrecision(3)).toExponential()) : String(Number(x.toPrecision(3)));
  return text.replace("e+", "e").replace(/-/g, "−");
}

/** A fraction as a percentage. */
export function percent(x) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  const hundredths = 100 * x;
  const digits = Math.abs(hundredths) < 10 && hundredths !== 0 ? 1 : 0;
  return `${hundredths.toFixed(digits).replace("-", "−")} %`;
}

/** A whole number with narrow spaces between thousands. */
export function whole(x) {
  return x.toLocaleString("en").replace(/,/g, "\u202f");
}

/** A number of environment steps, abbreviated: 1.2M, 350k. */
export function steps(x) {
  if (x >= 1e6) return `${Number((x / 1e6).toPrecision(3))}M`;
  return x >= 1e4 ? `${Number((x / 1e3).toPrecision(3))}k` : String(x);
}

/** A text that fits a width, with an ellipsis in its middle where it is too long. */
export function fitted(text, width, measure) {
  if (measure(text) <= width) return text;
  let kept = text.length - 1;
  const shortened = () => `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(text.length - Math.floor(kept / 2))}`;
  while (kept > 2 && measure(shortened()) > width) kept -= 1;
  return shortened();
}

/** A table as CSV. A text that a spreadsheet would evaluate as a formula gets an apostrophe in front. */
export function csv(header, rows) {
  const cell = (x) => {
    if (x === null || x === undefined) return "";
    if (typeof x === "number") return String(x);
    const text = /^[=+\-@\t\r]/.test(x) ? `'${x}` : x;
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}
