// Scales: from numbers to pixels, and the ticks of an axis.

/** A linear or logarithmic scale from [low, high] to pixels [from, to]; null for numbers that have no place on it. */
export function scale(low, high, from, to, log = false) {
  const map = log ? Math.log10 : (x) => x;
  const [start, end] = [map(low), map(high)];
  const place = (x) => {
    if (x === null || x === undefined || !Number.isFinite(x) || (log && x <= 0)) return null;
    return from + ((map(x) - start) / (end - start || 1)) * (to - from);
  };
  place.inverse = (pixel) => {
    const value = start + ((pixel - from) / (to - from || 1)) * (end - start);
    return log ? 10 ** value : value;
  };
  return Object.assign(place, { low, high, log });
}

/** [least, greatest] of the finite numbers, for a logarithmic scale of the positive ones; null where there are none. */
export function extent(lists, log = false) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const x of list) {
      if (x === null || x === undefined || !Number.isFinite(x) || (log && x <= 0)) continue;
      if (x < low) low = x;
      if (x > high) high = x;
    }
  }
  return low <= high ? [low, high] : null;
}

/** An extent with a margin: 5 % of its span, or a factor of 1.2. */
export function padded([low, high], log = false) {
  if (log) return high / low < 1.05 ? [low / 2, high * 2] : [low / 1.2, high * 1.2];
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - room, high + room];
}

/** Round numbers within a scale, about `count` of them. */
export function ticks({ low, high, log }, count) {
  if (log) {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    if (!Number.isFinite(last - first)) return [];
    if (last - first >= 1) {
      const every = Math.max(1, Math.ceil((last - first + 1) / count));
      const powers = [];
      for (let k = first; k <= last; k += every) powers.push(10 ** k);
      return powers;
    }
  }
  const raw = (high - low) / Math.max(1, count);
  if (!(raw > 0 && raw < Infinity)) return [];
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = [1, 2, 5, 10].find((k) => k * power >= raw * (1 - 1e-9)) * power;
  const [first, last] = [Math.ceil(low / unit - 1e-9), Math.floor(high / unit + 1e-9)];
  // None for numbers so large that first + 1 equals first.
  if (!(last - first < 1e3) || first + 1 === first) return [];
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * unit).filter((x) => !log || x > 0);
}

/** The index of the number in a sorted list that is nearest to a step. */
export function nearest(sorted, step) {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < step) low = middle + 1;
    else high = middle;
  }
  return low > 0 && step - sorted[low - 1] <= sorted[low] - step ? low - 1 : low;
}
