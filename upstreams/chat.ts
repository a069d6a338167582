import { status } from '@grpc/grpc-js';
import {
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
import { assertId } from './ids.ts';
import type { Outbox } from './outbox.ts';
import { assertActsFor, type Owner, ownerFor } from './ownership.ts';
import { type PageList, planPage, readPage } from './page.ts';
import { type Bind, createParams } from './params.ts';
import { assertRoom, batchGetRooms, listRooms, ROOM_TYPE, withMember } from './rooms.ts';
import type { ServiceDeps } from './service-deps.ts';
import { failure, invalidArgument, notFound } from './status.ts';
import type { Sql, Store } from './store.ts';
import { textViolations } from './text.ts';

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

const SEND = 'ChatService/SendMessage';
const TEXT_BOUNDS = { min: 1, max: 2_000 };
const MESSAGE_COLUMNS = ['id', 'room_id', 'author_id', 'text', 'sequence', 'create_time'];

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
    batchGetRooms: unary(methods.batchGetRooms, (request, context) => batchGetRooms(store, request, context)),
    listRooms: unary(methods.listRooms, (request, context) => listRooms(store, request, context)),
    listMessages: unary(methods.listMessages, (request, context) => listMessages(store, request, context)),
    sendMessage: unary(methods.sendMessage, (request, context) => sendMessage(deps, request, context)),
    watchRoom: serverStream(methods.watchRoom, (request, context) => watchRoom(deps, request, context)),
  };
}

async function listMessages(
  store: Store,
  { roomId, page }: ListMessagesRequest,
  { signal, caller }: CallContext,
): Promise<ListMessagesResponse> {
  assertId(roomId, 'room_id');
  const list = messageList(roomId);
  const reader = ownerFor(caller, 'chat:read');
  const where = (bind: Bind) => {
    const room = bind(roomId);
    return [`room_id = ${room}`, ...withMember(reader, room, bind)];
  };
  const source = { list, plan: planPage(list, page), from: 'messages', columns: MESSAGE_COLUMNS, where };
  const { rows, info } = await readPage<MessageRow>(store, source, signal);
  // A room that has messages exists, and its reader may read it.
  if (rows.length === 0) await assertRoom(store, roomId, reader, signal);
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

async function sendMessage(
  { store, outbox }: ServiceDeps,
  request: SendMessageRequest,
  { signal, caller }: CallContext,
): Promise<SendMessageResponse> {
  const { roomId, authorId, text, idempotencyKey: key } = request;
  assertId(roomId, 'room_id');
  assertId(authorId, 'author_id');
  const violations = [...textViolations('text', text, TEXT_BOUNDS), ...(key ? keyViolations(key) : [])];
  if (violations.length > 0) throw invalidArgument(...violations);
  assertActsFor(caller, authorId, 'chat:write', 'author_id');
  const writer = ownerFor(caller, 'chat:write');
  const send = async (tx: Sql) => ({ message: await storeMessage(tx, outbox, request, writer) });
  if (!key) return store.transaction(send, signal);
  const bytes = SendMessageRequest.encode({ ...request, idempotencyKey: '' }).finish();
  const call = { method: SEND, scope: authorId, key, request: bytes };
  const reply = await store.transaction(
    (tx) => onceByKey(tx, call, async () => SendMessageResponse.encode(await send(tx)).finish()),
    signal,
  );
  return SendMessageResponse.decode(reply);
}

/**
 * The next message's id. Who writes for others may know of every room, so that it learns why it is refused; to everybody else
 * a room of others is not there.
 *
 * @throws NOT_FOUND, or PERMISSION_DENIED with reason NOT_A_MEMBER.
 */
async function admit(tx: Sql, { roomId, authorId }: SendMessageRequest, writer: Owner): Promise<string> {
  const { bind, values } = createParams();
  const [isMember] = withMember(authorId, 'rooms.id', bind);
  const conditions = [`id = ${bind(roomId)}`, ...withMember(writer, 'rooms.id', bind)];
  const text = `SELECT 'message-' || nextval('message_numbers') AS id, ${isMember} AS admitted
    FROM rooms WHERE ${conditions.join(' AND ')}`;
  const [admission] = await tx.query<{ id: string; admitted: boolean }>(text, values);
  if (!admission) throw notFound(ROOM_TYPE, roomId);
  if (admission.admitted) return admission.id;
  const message = `The user ${authorId} is not a member of the room ${roomId}.`;
  throw failure(status.PERMISSION_DENIED, message, { reason: 'NOT_A_MEMBER' });
}

/** The event's sequence is the message's: the topic's lock, held until the end, makes it grow by one with each commit. */
async function storeMessage(
  tx: Sql,
  outbox: Outbox,
  request: SendMessageRequest,
  writer: Owner,
): Promise<Message> {
  const { roomId, authorId, text } = request;
  const id = await admit(tx, request, writer);
  const topic = topicOf(roomId);
  const payload: MessagePayload = { authorId, text };
  const sequence = await outbox.append(tx, { topic, subject: id, owner: '', payload });
  const [row] = await tx.query<MessageRow>(STORE, [topic, sequence, roomId, authorId, text]);
  if (!row) throw new Error(`The event ${sequence} of ${topic} was written and is not there.`);
  return messageFromRow(row);
}

async function* watchRoom(
  { store, outbox }: ServiceDeps,
  { roomId, afterSequence: after, withStart }: WatchRoomRequest,
  { signal, caller, sendHeaders: onStart }: CallContext,
): AsyncGenerator<WatchRoomResponse, void, undefined> {
  assertId(roomId, 'room_id');
  await assertRoom(store, roomId, ownerFor(caller, 'chat:read'), signal);
  const first = (sequence: bigint): WatchRoomResponse => ({ message: undefined, sequence });
  const topic = topicOf(roomId);
  const events = outbox.follow({ topic, after, signal, onStart, ...(withStart && { first }) });
  for await (const event of events) {
    if (!('topic' in event)) {
      yield event;
      continue;
    }
    const { sequence, subject: id, payload, time } = event;
    const { authorId, text } = payload as MessagePayload; // storeMessage and the seed write it.
    yield { sequence, message: { id, roomId, authorId, text, sequence, createTime: time } };
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
