import type { WeirError } from '../errors.ts';

/** Something on the wire that can be ended. */
export interface Cancellable {
  cancel(reason: WeirError): void;
}

/** The calls on the wire, so that closing can end them and wait for it. Its size is bounded by the pools. */
export interface ActiveCalls {
  add(call: Cancellable): void;
  delete(call: Cancellable): void;
  /** Cancels all; fulfilled when the last has been deleted. */
  cancelAll(reason: WeirError): Promise<void>;
}

/** An empty set of calls. */
export function createActiveCalls(): ActiveCalls {
  const calls = new Set<Cancellable>();
  let onEmpty = () => {};
  return {
    add: (call) => {
      calls.add(call);
    },
    delete: (call) => {
      calls.delete(call);
      if (calls.size === 0) onEmpty();
    },
    cancelAll: (reason) => {
      for (const call of calls) call.cancel(reason);
      return new Promise((resolve) => {
        if (calls.size === 0) resolve();
        else onEmpty = resolve;
      });
    },
  };
}
