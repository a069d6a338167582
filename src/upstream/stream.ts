import type { CallHost, CallOptions } from './call-host.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';
import { type Messages, Reader } from './reader.ts';
import { Rpc } from './rpc.ts';

/** One request, a stream of answers; see {@link Reader} for its life. Fails with a WeirError alone. */
export function callServerStream<Req, Res>(
  host: CallHost,
  method: MethodDefinition<Req, Res>,
  request: Req,
  call: CallOptions,
): Messages<Res> {
  assertKind('serverStream', method);
  return new Reader<Res>(
    host,
    {
      kind: 'serverStream',
      path: method.path,
      start: (live, listener) => {
        const rpc = new Rpc(live, method, listener);
        rpc.send(request);
        rpc.halfClose();
        return rpc;
      },
    },
    call,
  );
}
