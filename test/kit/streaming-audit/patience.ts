/** Those that wait until something holds: woken by whoever changes it, and never for longer than their bound. */
export class Watch {
  readonly #checks = new Set<() => void>();

  /** Something has changed. */
  changed(): void {
    for (const check of this.#checks) check();
  }

  /** Resolves with whether it came to hold within `ms`. */
  until(holds: () => boolean, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (outcome: boolean) => {
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve(outcome);
      };
      const check = () => {
        if (holds()) end(true);
      };
      const timer = setTimeout(() => end(holds()), ms);
      this.#checks.add(check);
      check();
    });
  }
}
