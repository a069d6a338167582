/** What a test measured, for docs/promises.md. */
export interface Figures {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The quantiles of some values (nearest rank), to a tenth; NaN for none. */
export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN) * 10) / 10;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Says what was measured, on one line. */
export function printFigures(what: string, figures: object): void {
  console.log(`[measured] ${what}: ${JSON.stringify(figures)}`);
}
