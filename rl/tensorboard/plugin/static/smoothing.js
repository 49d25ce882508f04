// Smoothing of lines, on the scale of the axis on which they are drawn.

/**
 * The exponential moving mean with bias correction, as in TensorBoard's own charts: the weights of all numbers so far
 * add up to one. Gaps stay gaps. On a logarithmic axis the logarithms are averaged, and numbers that are not positive
 * become gaps.
 */
export function smoothed(values, weight, log = false) {
  if (!weight) return values;
  const [into, outOf] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
  let last = 0;
  let count = 0;
  return values.map((x) => {
    if (x === null || !Number.isFinite(x) || (log && x <= 0)) return null;
    last = last * weight + (1 - weight) * into(x);
    count += 1;
    return outOf(last / (1 - weight ** count));
  });
}

/** A line smoothed for a chart, its band included; raw, rawLow and rawHigh are the numbers before. */
export function smoothedLine({ values, low, high }, weight, log = false) {
  const line = { values: smoothed(values, weight, log), raw: values, rawLow: low, rawHigh: high };
  return low ? { ...line, low: smoothed(low, weight, log), high: smoothed(high, weight, log) } : line;
}
