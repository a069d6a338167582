import type { CallHost, CallOptions } from './call-host.ts';
import { assertKind, type MethodDefinition } from './method-definition.ts';
import { type Messages, Reader } from './reader.ts';

/** One request, a stream of answers; see {@link Reader} for its life. Fails with a WeirError alone. */
export function callServerStream<Req, Res>(
  host: CallHost,
  method: MethodDefinition<Req, Res>,
  request: Req,
  call: CallOptions,
): Messages<Res> {
  assertKind('serverStream', method);
  const { path, requestSerialize, responseDeserialize } = method;
  return new Reader<Res>(
    host,
    {
      kind: 'serverStream',
      path,
      start: ({ client, metadata, options }) =>
        client.makeServerStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          metadata,
          options,
        ),
    },
    call,
  );
}
