import { Any } from 'nice-grpc-error-details';
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status.js';

interface Codec<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  fromPartial(object: object): T;
}

/** One packed detail, for {@link richStatus}. */
export function detail<T>(codec: Codec<T>, message: object): Any {
  return Any.fromPartial({
    typeUrl: `type.googleapis.com/${codec.$type}`,
    value: Buffer.from(codec.encode(codec.fromPartial(message)).finish()),
  });
}

/** The bytes of a `grpc-status-details-bin` trailer. */
export function richStatus(code: number, details: readonly Any[], message = ''): Buffer {
  return Buffer.from(Status.encode(Status.fromPartial({ code, message, details: [...details] })).finish());
}
