import { WeirError } from '../errors.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';
import { type Messages, Reader } from './reader.ts';
import { Rpc } from './rpc.ts';
import { type Requests, sendRequests } from './writer.ts';

/**
 * Requests and answers at the same time. The RPC, and with it the pulling of `requests`, starts at the first `next()`;
 * both stop when either side ends it. What `requests` throws cancels the call and is the error.
 */
export function callDuplex<Req, Res>(
  host: CallHost,
  method: MethodDefinition<Req, Res>,
  requests: Requests<Req>,
  call: CallOptions,
): Messages<Res> {
  assertKind('duplex', method);
  let stop = () => {};
  return new Reader<Res>(
    host,
    {
      kind: 'duplex',
      path: method.path,
      start: (live, listener) => {
        const rpc = new Rpc(live, method, listener);
        stop = sendRequests(requests, rpc, (thrown) => live.cancel(WeirError.from(thrown)));
        return rpc;
      },
      onOver: () => stop(),
    },
    call,
  );
}
