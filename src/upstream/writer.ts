/** Where the messages of a request stream come from. */
export type Requests<Req> = AsyncIterable<Req> | Iterable<Req>;

/** The part of an RPC that messages are sent by. */
export interface WritableRpc<Req> {
  send(message: Req, taken: () => void): void;
  halfClose(): void;
}

/**
 * Sends `requests` one by one, each when the one before has been taken, and half-closes after the last.
 * `failed` gets what the source threw. The result stops it: no further message is pulled, and the source's `return()`
 * runs. Call it when the RPC is over.
 */
export function sendRequests<Req>(
  requests: Requests<Req>,
  rpc: WritableRpc<Req>,
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
        rpc.halfClose();
        return;
      }
      await taken(result.value);
    }
  };
  const taken = (message: Req) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      rpc.send(message, resolve);
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
