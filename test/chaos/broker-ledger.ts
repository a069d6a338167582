/** What is wrong with what one listener was told. */
export interface Violations {
  lost: number;
  repeated: number;
  reordered: number;
}

/**
 * Follows one listener of a topic whose events are the numbers from 1 on. Without a gap in between each event is one
 * above the last; a gap excuses what is missing or comes again right there, and nothing after it.
 */
export class Ledger {
  readonly violations: Violations = { lost: 0, repeated: 0, reordered: 0 };
  received = 0;
  gaps = 0;
  #last: number | undefined;
  #isExcused = true;

  get last(): number {
    return this.#last ?? 0;
  }

  event(number: number): void {
    this.received += 1;
    if (!this.#isExcused && this.#last !== undefined) this.#judge(number, this.#last);
    this.#isExcused = false;
    this.#last = number;
  }

  gap(): void {
    this.gaps += 1;
    this.#isExcused = true;
  }

  #judge(number: number, last: number): void {
    if (number === last + 1) return;
    if (number === last) this.violations.repeated += 1;
    else if (number < last) this.violations.reordered += 1;
    else this.violations.lost += number - last - 1;
  }
}

/** All of the ledgers together. */
export function sumViolations(ledgers: readonly Ledger[]): Violations {
  const sum: Violations = { lost: 0, repeated: 0, reordered: 0 };
  for (const { violations } of ledgers) {
    for (const name of ['lost', 'repeated', 'reordered'] as const) sum[name] += violations[name];
  }
  return sum;
}
