/** Points admitted in one moment. */
export interface AdmittedPoints {
  readonly atUs: number;
  /** What they cost, in microseconds of the tier's rate: see costUs. */
  readonly costUs: number;
}

/** The window of a history in which most was admitted beyond its rate. */
export interface WorstWindow {
  readonly fromUs: number;
  readonly toUs: number;
  /** What was admitted in it less what was restored in it: a budget keeps this at or below its limit. */
  readonly excessUs: number;
}

/**
 * Over all windows of a history, the one with most admitted beyond the rate. A window that begins with one event and ends
 * with another is the worst of its kind, so the maximum over all pairs is that of a leaky bucket that is never refused
 * anything (Kadane's argument): linear once the events are in the sequence of time.
 */
export function worstWindow(events: readonly AdmittedPoints[]): WorstWindow {
  let worst: WorstWindow = { fromUs: 0, toUs: 0, excessUs: 0 };
  let debt = 0;
  let fromUs = 0;
  let lastUs = 0;
  for (const { atUs, costUs } of events.toSorted((a, b) => a.atUs - b.atUs)) {
    debt -= atUs - lastUs;
    if (debt <= 0) {
      debt = 0;
      fromUs = atUs;
    }
    debt += costUs;
    lastUs = atUs;
    if (debt > worst.excessUs) worst = { fromUs, toUs: atUs, excessUs: debt };
  }
  return worst;
}
