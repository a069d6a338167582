import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { assertDeadline } from './deadline.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';

/** One request, one answer. Rejects with a WeirError alone. */
export function callUnary<Req, Res>(
  host: CallHost,
  method: MethodDefinition<Req, Res>,
  request: Req,
  call: CallOptions,
): Promise<Res> {
  return new Promise((resolve, reject) => {
    assertKind('unary', method);
    assertDeadline(method.path, call.deadlineMs);
    openCall(
      host,
      'unary',
      method.path,
      call,
      (live) =>
        live.client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          live.metadata,
          live.options,
          (error, response) => {
            const failure = live.settle(error);
            if (failure) reject(failure);
            else resolve(response as Res); // grpc-js gives a message whenever it gives no error
          },
        ),
      reject,
    );
  });
}
