// Smoothing of lines, in the space of the axis that they are drawn on.

/**
 * The exponential mean with its bias corrected, as TensorBoard has it: of n numbers the weights add up to one, so that
 * the first one counts no more than the others; gaps stay gaps. On a logarithmic axis the mean is of the logarithms,
 * and what is not positive has no place there.
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

/** A line's values, and its band where it has one, smoothed for a chart; raw, rawLow and rawHigh as they were. */
export function smoothedLine({ values, low, high }, weight, log = false) {
  const line = { values: smoothed(values, weight, log), raw: values, rawLow: low, rawHigh: high };
  return low ? { ...line, low: smoothed(low, weight, log), high: smoothed(high, weight, log) } : line;
}
