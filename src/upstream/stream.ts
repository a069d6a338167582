import type { CallHost, CallOptions } from './call-host.ts';
import type { MethodDefinition } from './method-definition.ts';
import { createReader } from './reader.ts';

/** One request, a stream of answers; see {@link createReader} for its life. Fails with a WeirError alone. */
export function callServerStream<Req, Res>(
  host: CallHost,
  method: MethodDefinition<Req, Res>,
  request: Req,
  call: CallOptions,
): AsyncIterableIterator<Res, undefined> {
  const { path, requestSerialize, responseDeserialize } = method;
  return createReader<Res>(
    host,
    {
      kind: 'serverStream',
      path,
      make: ({ client, metadata, options }) =>
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
