import { defineLoader, type UpstreamPage, type UpstreamRows, withInputPaths } from '../src/index.ts';
import {
  ChatServiceService as chat,
  type Message,
  type Room,
  type SendMessageRequest,
} from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import type { ShopContext } from './context.ts';
import { pageRequest, pageRows } from './page.ts';
import { required } from './required.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const chatReads = [chat.batchGetRooms, chat.listRooms, chat.listMessages];

/** The call of each function here that makes one, for the price of the fields that use it. */
export const chatCalls = {
  listMessages: { upstream: 'chat', method: chat.listMessages.path },
  listRooms: { upstream: 'chat', method: chat.listRooms.path },
  sendMessage: { upstream: 'chat', method: chat.sendMessage.path },
} as const;

/** Rooms by id. */
export const roomById = defineLoader({
  name: 'roomById',
  maxBatchSize: 500,
  upstream: 'chat',
  method: chat.batchGetRooms.path,
  keyOf: (room: Room) => room.id,
  fetch: async (ids: readonly string[], _: undefined, context: ShopContext) => {
    const response = await context.upstreams.chat.unary(chat.batchGetRooms, { ids: [...ids] });
    return response.rooms;
  },
});

/** One page of a room's messages, oldest first. */
export async function listMessages(
  context: ShopContext,
  roomId: string,
  page: UpstreamPage,
): Promise<UpstreamRows<Message>> {
  const request = { roomId, page: pageRequest(page) };
  const response = await context.upstreams.chat.unary(chat.listMessages, request);
  return pageRows(response.messages, response.page);
}

/** One page of a member's rooms, newest first. */
export async function listRooms(
  context: ShopContext,
  memberId: string,
  page: UpstreamPage,
): Promise<UpstreamRows<Room>> {
  const request = { memberId, page: pageRequest(page) };
  const response = await context.upstreams.chat.unary(chat.listRooms, request);
  return pageRows(response.rooms, response.page);
}

/** Sends a message to a room. */
export async function sendMessage(context: ShopContext, request: SendMessageRequest): Promise<Message> {
  const sent = context.upstreams.chat.unary(chat.sendMessage, request);
  const { message } = await withInputPaths(sent, {
    roomId: 'input.room',
    text: 'input.text',
    idempotencyKey: 'input.idempotencyKey',
  });
  return required(message, 'message');
}
