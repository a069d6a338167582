import type { Clock } from '../../clock.ts';
import type { MaybePromise } from './budget-store.ts';

/** What {@link timely} gives up with. */
export class TimeoutFault extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * The outcome of `work`, or a {@link TimeoutFault} if that takes longer than `timeoutMs`; nobody hears of what comes after
 * that. A busy event loop is given one turn to read what has arrived by then, so that our own slowness is not taken for
 * theirs.
 */
export function timely<Value>(
  work: MaybePromise<Value>,
  timeoutMs: number,
  clock: Clock,
): MaybePromise<Value> {
  if (!(work instanceof Promise)) return work;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new TimeoutFault(`No answer within ${timeoutMs} ms.`));
    const cancel = clock.after(timeoutMs, () => setImmediate(giveUp));
    const end = () => cancel();
    work.then(resolve, reject);
    work.then(end, end);
  });
}
