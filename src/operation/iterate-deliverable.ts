import type { Deliverable, Delivered, EndReason, Sink } from '../realtime/sink.ts';

/** Events that may wait for a reader who pulls them. */
const maxWaiting = 256;

/**
 * The events of a deliverable as results of GraphQL, for servers that pull. A reader who lets {@link maxWaiting} of them
 * wait is ended as slow; leaving, or being left, ends the subscription. Errors are in the last result.
 */
export function iterateDeliverable(attach: Deliverable['attach']): AsyncIterableIterator<unknown, undefined> {
  const waiting: unknown[] = [];
  let isEnded = false;
  let wake = () => {};

  const add = (result: unknown) => {
    waiting.push(result);
    if (waiting.length > maxWaiting) end('slow');
    wake();
  };
  const end = (reason: EndReason) => {
    isEnded = true;
    attached.stop(reason);
    wake();
  };
  const sink: Sink = {
    live: () => {},
    next: ({ json }: Delivered) => add(JSON.parse(json)),
    gap: (gap) => add({ data: null, extensions: { gap } }),
    end: (_reason, error) => {
      if (error) waiting.push({ errors: [error] });
      isEnded = true;
      wake();
    },
    bufferedBytes: () => 0,
    onDrain: () => {},
  };
  const attached = attach(sink);

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      while (waiting.length === 0 && !isEnded) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
      if (waiting.length > 0) return { done: false, value: waiting.shift() };
      return { done: true, value: undefined };
    },
    return: async () => {
      end('client');
      return { done: true, value: undefined };
    },
  };
}
