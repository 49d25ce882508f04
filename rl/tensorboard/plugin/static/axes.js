// The axis of each quantity, the same in all views.

/** { quantity: options of `lineChart` }: a logarithmic axis, fixed ends, a rule at zero. */
export const AXES = {
  cosine: { range: [-1, 1], zero: true },
  share: { range: [-1, 1], zero: true },
  conflict: { range: [0, 1] },
  ratio: { log: true },
  norm: { log: true },
};

/** Whether a quantity is drawn, and so smoothed, on a logarithmic axis. */
export function isLog(quantity) {
  return AXES[quantity]?.log ?? false;
}
