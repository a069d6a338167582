import { WeirError } from '../errors.ts';
import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { assertDeadline } from './deadline.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';
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
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    assertKind('clientStream', method);
    assertDeadline(path, call.deadlineMs);
    openCall(
      host,
      'clientStream',
      path,
      call,
      (live) => {
        const rpc = live.client.makeClientStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          live.metadata,
          live.options,
          (error, response) => {
            stop();
            const failure = live.settle(error);
            if (failure) reject(failure);
            else resolve(response as Res); // grpc-js gives a message whenever it gives no error
          },
        );
        const stop = sendRequests(requests, rpc, (thrown) => live.cancel(WeirError.from(thrown)));
        return rpc;
      },
      reject,
    );
  });
}
