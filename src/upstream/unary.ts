import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { assertDeadline } from './deadline.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';
import { OneAnswer } from './one-answer.ts';
import { Rpc } from './rpc.ts';

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
      (live) => {
        const rpc = new Rpc(live, method, new OneAnswer(live, { resolve, reject }));
        rpc.read();
        rpc.send(request);
        rpc.halfClose();
        return rpc;
      },
      reject,
    );
  });
}
