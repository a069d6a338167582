import { credentials, Metadata } from '@grpc/grpc-js';
import { encodeNodeId } from '../../../src/index.ts';
import { ChatServiceClient } from '../../../upstream-protos/gen/shop/chat/v1/chat.ts';
import type { NumberedTopic } from './ledger-plan.ts';

/** A room in which one member writes 1, 2, 3 and so on, and nobody else anything. */
export interface NumberedRoom extends NumberedTopic {
  /** Global id. */
  readonly id: string;
  /** A member who reads. */
  readonly reader: string;
}

/** The first rooms of the chat service at `target`; the connection ends with the scope. */
export async function openNumberedRooms(
  target: string,
  count: number,
): Promise<AsyncDisposable & { readonly rooms: readonly NumberedRoom[] }> {
  const client = new ChatServiceClient(target, credentials.createInsecure());
  const ids = Array.from({ length: count }, (_, index) => `room-${index + 1}`);
  const found = await call<{ rooms: { id: string; memberIds: string[] }[] }>((done) =>
    client.batchGetRooms({ ids }, callerOf('operator', 'chat:read'), done),
  );
  const rooms = found.rooms.map(({ id: roomId, memberIds: [authorId = ''] }) => {
    let last = 0;
    return {
      id: encodeNodeId('Room', roomId),
      reader: authorId,
      get last() {
        return last;
      },
      write: async () => {
        const message = { roomId, authorId, text: String(last + 1), idempotencyKey: '' };
        await call((done) => client.sendMessage(message, callerOf(authorId, ''), done));
        last += 1;
      },
    };
  });
  return { rooms, [Symbol.asyncDispose]: async () => client.close() };
}

function callerOf(subject: string, scopes: string): Metadata {
  const metadata = new Metadata();
  metadata.set('x-weir-subject', subject);
  if (scopes) metadata.set('x-weir-scopes', scopes);
  return metadata;
}

function call<Response>(
  start: (done: (error: Error | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error ? reject(error) : resolve(response)));
  });
}
