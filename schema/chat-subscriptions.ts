import { roomById } from '../loaders/chat.ts';
import type { ShopContext } from '../loaders/context.ts';
import { userById } from '../loaders/users.ts';
import { roomMessages, roomTyping, type Typing, typingPayload } from '../loaders/watch-room.ts';
import { assertNodeId, WeirError } from '../src/index.ts';
import type { Room as RoomMessage } from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import { builder } from './builder.ts';
import { Message } from './room.ts';
import { assertSubject } from './subject.ts';
import { User } from './user.ts';

const TypingEvent = builder.objectRef<Typing>('TypingEvent').implement({
  description: 'Somebody is writing in a room.',
  fields: (t) => ({
    user: t.field({
      type: User,
      nullable: true,
      calls: [userById],
      description: 'Who writes; null when the account is gone.',
      resolve: ({ userId }, _args, context, info) =>
        context.load(userById, userId, context.readMask(info, 'User')),
    }),
  }),
});

/** Who may ask for a room at all; of which ones they learn is up to the chat service. */
const authScopes = { $any: { user: true, scope: 'chat:read' } };

builder.subscriptionFields((t) => ({
  messageAdded: t.field({
    type: Message,
    nullable: true,
    authScopes,
    description: 'Each message that is sent to a room, which the caller may read.',
    args: { room: t.arg.id({ required: true, description: 'The global id of a room.' }) },
    subscribe: async (_root, { room }, context) => roomMessages((await readableRoom(context, room)).id),
    resolve: (message) => message,
  }),
  typing: t.field({
    type: TypingEvent,
    nullable: true,
    authScopes,
    description:
      'Whenever somebody is writing in a room, which the caller may read; nothing is kept for who is away.',
    args: { room: t.arg.id({ required: true, description: 'The global id of a room.' }) },
    subscribe: async (_root, { room }, context) => roomTyping((await readableRoom(context, room)).id),
    resolve: (typing) => typing,
  }),
}));

builder.mutationFields((t) => ({
  setTyping: t.boolean({
    nullable: true,
    authScopes: { user: true },
    // Goes out to all who listen to the room.
    cost: 1,
    calls: [roomById],
    description:
      'Tells a room that the user who asks, a member of it, is writing: to be repeated every few seconds. True.',
    args: { room: t.arg.id({ required: true, description: 'The global id of a room.' }) },
    resolve: async (_root, { room }, context) => {
      const userId = assertSubject(context);
      const { id, memberIds } = await readableRoom(context, room);
      if (!memberIds.includes(userId))
        throw new WeirError('FORBIDDEN', { message: 'Only members of a room can write there.' });
      await context.publish(roomTyping(id), typingPayload({ userId }));
      return true;
    },
  }),
}));

/** A room of others is not there. */
async function readableRoom(context: ShopContext, nodeId: string): Promise<RoomMessage> {
  const room = await context.load(roomById, assertNodeId(nodeId, 'Room'));
  if (room) return room;
  throw new WeirError('NOT_FOUND', { message: 'There is no such room, or it is not yours.' });
}
