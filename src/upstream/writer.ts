import type { ClientWritableStream } from '@grpc/grpc-js';

/** Where the messages of a request stream come from. */
export type Requests<Req> = AsyncIterable<Req> | Iterable<Req>;

/**
 * Sends `requests` one by one and half-closes after the last; waits while the RPC's buffer (16 messages) is full.
 * `failed` gets what the source threw. The result stops it: no further message is pulled, and the source's `return()`
 * runs. Call it when the RPC is over.
 */
export function sendRequests<Req>(
  requests: Requests<Req>,
  rpc: ClientWritableStream<Req>,
  failed: (thrown: unknown) => void,
): () => void {
  let iterator: ReturnType<typeof iteratorOf<Req>> | undefined;
  let isOver = false;
  let wake = () => {};

  const send = async (): Promise<void> => {
    const source = iteratorOf(requests);
    iterator = source;
    while (!isOver) {
      const result = await source.next();
      if (isOver) return;
      if (result.done) {
        isOver = true;
        rpc.end();
        return;
      }
      if (!rpc.write(result.value)) await drained();
    }
  };
  const drained = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      rpc.once('drain', resolve);
    });

  send().catch((thrown: unknown) => {
    if (isOver) return;
    isOver = true;
    failed(thrown);
  });
  return () => {
    if (isOver) return;
    isOver = true;
    wake();
    if (iterator !== undefined) close(iterator);
  };
}

function iteratorOf<Req>(requests: Requests<Req>): AsyncIterator<Req> | Iterator<Req> {
  return Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
}

/** The call is over and has its own end: what the source says to being closed changes nothing any more. */
function close(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  const closed = async () => iterator.return?.();
  closed().catch(() => {});
}
