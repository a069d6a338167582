import type { Clock } from '../clock.ts';
import { onAbort } from '../signal.ts';

/** What resolvers get after the deadline to fail by its signal, so that the rest of the answer still stands; in milliseconds. */
export const graceMs = 25;

/** The outcome of `work`, or the signal's reason a little after it has aborted: a resolver may never end by itself. */
export function beforeDeadline<Outcome>(
  work: Outcome | PromiseLike<Outcome>,
  signal: AbortSignal,
  clock: Clock,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let cancelTimer = () => {};
    const unlink = onAbort(signal, () => {
      cancelTimer = clock.after(graceMs, () => reject(signal.reason));
    });
    const leave = () => {
      unlink();
      cancelTimer();
    };
    Promise.resolve(work).finally(leave).then(resolve, reject);
  });
}
