import type { CallRecord } from '../observe/timeline.ts';

/** One RPC of a service, as grpc-js and ts-proto define it. */
export interface MethodDefinition<Req, Res> {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: Req) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Res;
}

const streamsByKind = {
  unary: { requestStream: false, responseStream: false },
  serverStream: { requestStream: false, responseStream: true },
  clientStream: { requestStream: true, responseStream: false },
  duplex: { requestStream: true, responseStream: true },
} as const satisfies Readonly<Record<CallRecord['kind'], object>>;

/** Throws a TypeError when `method` is of another kind: sent so, it would hang or lose messages without a word. */
export function assertKind(kind: CallRecord['kind'], method: MethodDefinition<never, unknown>): void {
  const { requestStream, responseStream } = streamsByKind[kind];
  if (method.requestStream === requestStream && method.responseStream === responseStream) return;
  throw new TypeError(`${method.path} is not a ${kind} method.`);
}
