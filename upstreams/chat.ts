import { status } from '@grpc/grpc-js';
import {
  type BatchGetRoomsRequest,
  type BatchGetRoomsResponse,
  type ChatServiceServer,
  type ListMessagesRequest,
  type ListMessagesResponse,
  type Message,
  ChatServiceService as methods,
  SendMessageRequest,
  SendMessageResponse,
  type WatchRoomRequest,
  type WatchRoomResponse,
} from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import type { CallContext } from './call-scope.ts';
import { createHandlers } from './handler.ts';
import { keyViolations, onceByKey } from './idempotency.ts';
import { assertId, distinctIds } from './ids.ts';
import type { Outbox } from './outbox.ts';
import { type PageList, planPage, readPage } from './page.ts';
import type { ServiceDeps } from './service-deps.ts';
import { failure, invalidArgument, notFound } from './status.ts';
import type { Sql, Store } from './store.ts';
import { textViolations } from './text.ts';

interface RoomRow {
  readonly id: string;
  readonly title: string;
  readonly create_time: Date;
  readonly member_ids: string[];
}

interface MessageRow {
  readonly id: string;
  readonly room_id: string;
  readonly author_id: string;
  readonly text: string;
  readonly sequence: bigint;
  readonly create_time: Date;
}

/** What an event of the topic `room:<id>` holds besides its subject, the message. Its sequence and time are the message's. */
interface MessagePayload {
  readonly authorId: string;
  readonly text: string;
}

const ROOM_TYPE = 'shop.chat.v1.Room';
const SEND = 'ChatService/SendMessage';
const TEXT_BOUNDS = { min: 1, max: 2_000 };
const MESSAGE_COLUMNS = ['id', 'room_id', 'author_id', 'text', 'sequence', 'create_time'];

const ROOMS = `
SELECT id, title, create_time, ARRAY(SELECT user_id FROM room_members WHERE room_id = rooms.id ORDER BY user_id) AS member_ids
FROM rooms WHERE id = ANY($1)`;

// The next message's id, and who may write it.
const ADMIT = `
SELECT
  'message-' || nextval('message_numbers') AS id,
  EXISTS (SELECT FROM room_members WHERE room_id = rooms.id AND user_id = $2) AS admitted
FROM rooms WHERE id = $1`;

// The message is of the moment of its event, so that both tell the same.
const STORE = `
INSERT INTO messages (id, room_id, author_id, text, sequence, create_time)
SELECT subject, $3, $4, $5, sequence, create_time FROM outbox WHERE topic = $1 AND sequence = $2
RETURNING ${MESSAGE_COLUMNS.join(', ')}`;

/** shop.chat.v1.ChatService on the tables rooms, room_members and messages. */
export function createChatService(deps: ServiceDeps): ChatServiceServer {
  const { store } = deps;
  const { unary, serverStream } = createHandlers(deps);
  return {
    batchGetRooms: unary(methods.batchGetRooms, (request, { signal }) =>
      batchGetRooms(store, request, signal),
    ),
    listMessages: unary(methods.listMessages, (request, { signal }) => listMessages(store, request, signal)),
    sendMessage: unary(methods.sendMessage, (request, { signal }) => sendMessage(deps, request, signal)),
    watchRoom: serverStream(methods.watchRoom, (request, context) => watchRoom(deps, request, context)),
  };
}

async function batchGetRooms(
  store: Store,
  { ids }: BatchGetRoomsRequest,
  signal: AbortSignal,
): Promise<BatchGetRoomsResponse> {
  const rows = await store.query<RoomRow>(ROOMS, [distinctIds(ids)], signal);
  return {
    rooms: rows.map(({ id, title, create_time, member_ids }) => {
      return { id, title, memberIds: member_ids, createTime: create_time };
    }),
  };
}

async function listMessages(
  store: Store,
  { roomId, page }: ListMessagesRequest,
  signal: AbortSignal,
): Promise<ListMessagesResponse> {
  assertId(roomId, 'room_id');
  const list = messageList(roomId);
  const where = (bind: (value: unknown) => string) => [`room_id = ${bind(roomId)}`];
  const source = { list, plan: planPage(list, page), from: 'messages', columns: MESSAGE_COLUMNS, where };
  const { rows, info } = await readPage<MessageRow>(store, source, signal);
  // A room that has messages exists.
  if (rows.length === 0) await assertRoom(store, roomId, signal);
  return { messages: rows.map(messageFromRow), page: info };
}

/** Oldest first. */
function messageList(roomId: string): PageList {
  return {
    name: 'messages',
    scope: [roomId],
    keys: [{ column: 'sequence', type: 'bigint' }],
    descending: false,
  };
}

async function assertRoom(store: Store, roomId: string, signal: AbortSignal): Promise<void> {
  const found = await store.query('SELECT FROM rooms WHERE id = $1', [roomId], signal);
  if (found.length === 0) throw notFound(ROOM_TYPE, roomId);
}

async function sendMessage(
  { store, outbox }: ServiceDeps,
  request: SendMessageRequest,
  signal: AbortSignal,
): Promise<SendMessageResponse> {
  const { roomId, authorId, text, idempotencyKey: key } = request;
  assertId(roomId, 'room_id');
  assertId(authorId, 'author_id');
  const violations = [...textViolations('text', text, TEXT_BOUNDS), ...(key ? keyViolations(key) : [])];
  if (violations.length > 0) throw invalidArgument(...violations);
  const send = async (tx: Sql) => ({ message: await storeMessage(tx, outbox, request) });
  if (!key) return store.transaction(send, signal);
  const bytes = SendMessageRequest.encode({ ...request, idempotencyKey: '' }).finish();
  const call = { method: SEND, scope: authorId, key, request: bytes };
  const reply = await store.transaction(
    (tx) => onceByKey(tx, call, async () => SendMessageResponse.encode(await send(tx)).finish()),
    signal,
  );
  return SendMessageResponse.decode(reply);
}

/** The event's sequence is the message's: the topic's lock, held until the end, makes it grow by one with each commit. */
async function storeMessage(
  tx: Sql,
  outbox: Outbox,
  { roomId, authorId, text }: SendMessageRequest,
): Promise<Message> {
  const [admission] = await tx.query<{ id: string; admitted: boolean }>(ADMIT, [roomId, authorId]);
  if (!admission) throw notFound(ROOM_TYPE, roomId);
  if (!admission.admitted) {
    const message = `The user ${authorId} is not a member of the room ${roomId}.`;
    throw failure(status.PERMISSION_DENIED, message, { reason: 'NOT_A_MEMBER' });
  }
  const topic = topicOf(roomId);
  const payload: MessagePayload = { authorId, text };
  const sequence = await outbox.append(tx, { topic, subject: admission.id, owner: '', payload });
  const [row] = await tx.query<MessageRow>(STORE, [topic, sequence, roomId, authorId, text]);
  if (!row) throw new Error(`The event ${sequence} of ${topic} was written and is not there.`);
  return messageFromRow(row);
}

async function* watchRoom(
  { store, outbox }: ServiceDeps,
  { roomId, afterSequence: after }: WatchRoomRequest,
  { signal, sendHeaders: onStart }: CallContext,
): AsyncGenerator<WatchRoomResponse, void, undefined> {
  assertId(roomId, 'room_id');
  await assertRoom(store, roomId, signal);
  const events = outbox.follow({ topic: topicOf(roomId), after, signal, onStart });
  for await (const { sequence, subject: id, payload, time } of events) {
    const { authorId, text } = payload as MessagePayload; // storeMessage and the seed write it.
    yield { message: { id, roomId, authorId, text, sequence, createTime: time } };
  }
}

function topicOf(roomId: string): string {
  return `room:${roomId}`;
}

function messageFromRow(row: MessageRow): Message {
  return {
    id: row.id,
    roomId: row.room_id,
    authorId: row.author_id,
    text: row.text,
    sequence: row.sequence,
    createTime: row.create_time,
  };
}
