import type { CancelTimer, Clock } from '../clock.ts';
import { onAbort } from '../signal.ts';

/** Why a place was not given. */
export type SlotRefusal = 'overloaded' | 'aborted' | 'closed';

/** A bounded number of places with a short, bounded, fair queue before them. */
export interface Slots {
  readonly taken: number;
  readonly waiting: number;
  /** Calls exactly one of the two, at once when there is a place; whoever is granted one must release it. */
  take(signal: AbortSignal, granted: () => void, refused: (why: SlotRefusal) => void): void;
  release(): void;
  /** Refuses all who wait and all who come. */
  close(): void;
}

/** Bounds of {@link createSlots}. */
export interface SlotLimits {
  readonly maxTaken: number;
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
}

interface Waiter {
  readonly granted: () => void;
  readonly end: () => void;
  readonly refuse: (why: SlotRefusal) => void;
}

/** Places for `maxTaken`, first come first served; at the bound of queue or wait the answer is `overloaded`. */
export function createSlots(limits: SlotLimits, clock: Clock): Slots {
  const waiters: Waiter[] = [];
  let taken = 0;
  let isClosed = false;

  const enqueue = (signal: AbortSignal, granted: () => void, refused: (why: SlotRefusal) => void) => {
    const ends: (CancelTimer | (() => void))[] = [];
    const waiter: Waiter = {
      granted,
      end: () => {
        for (const end of ends) end();
      },
      refuse: (why) => {
        waiters.splice(waiters.indexOf(waiter), 1);
        waiter.end();
        refused(why);
      },
    };
    waiters.push(waiter);
    ends.push(clock.after(limits.maxWaitMs, () => waiter.refuse('overloaded')));
    ends.push(onAbort(signal, () => waiter.refuse('aborted')));
  };

  return {
    get taken() {
      return taken;
    },
    get waiting() {
      return waiters.length;
    },
    take: (signal, granted, refused) => {
      if (isClosed) refused('closed');
      else if (taken < limits.maxTaken) {
        taken += 1;
        granted();
      } else if (waiters.length < limits.maxWaiting) enqueue(signal, granted, refused);
      else refused('overloaded');
    },
    release: () => {
      const next = waiters.shift();
      // The place passes on: `taken` stays.
      if (next === undefined) taken -= 1;
      else {
        next.end();
        next.granted();
      }
    },
    close: () => {
      isClosed = true;
      for (const waiter of [...waiters]) waiter.refuse('closed');
    },
  };
}
