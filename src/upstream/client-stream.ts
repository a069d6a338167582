import { WeirError } from '../errors.ts';
import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { assertDeadline } from './deadline.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';
import { OneAnswer } from './one-answer.ts';
import { Rpc } from './rpc.ts';
import { type Requests, sendRequests } from './writer.ts';

/**
 * A stream of requests, one answer. Rejects with a WeirError alone. `requests` is not touched when the call is refused,
 * and no longer pulled once the call has ended; what it throws cancels the call and is the error.
 */
export function callClientStream<Req, Res>(
  host: CallHost,
  method: MethodDefinition<Req, Res>,
  requests: Requests<Req>,
  call: CallOptions,
): Promise<Res> {
  const { path } = method;
  return new Promise((resolve, reject) => {
    assertKind('clientStream', method);
    assertDeadline(path, call.deadlineMs);
    openCall(
      host,
      'clientStream',
      path,
      call,
      (live) => {
        const answer = new OneAnswer<Res>(live, { resolve, reject });
        const rpc = new Rpc(live, method, {
          message: (message) => answer.message(message),
          ended: (end) => {
            stop();
            answer.ended(end);
          },
        });
        rpc.read();
        const stop = sendRequests(requests, rpc, (thrown) => live.cancel(WeirError.from(thrown)));
        return rpc;
      },
      reject,
    );
  });
}
