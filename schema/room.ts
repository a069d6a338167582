import { chatCalls, listMessages, roomById } from '../loaders/chat.ts';
import { required } from '../loaders/required.ts';
import { userById } from '../loaders/users.ts';
import { assertNodeId, encodeNodeId, resolveConnection } from '../src/index.ts';
import type {
  Message as MessageMessage,
  Room as RoomMessage,
} from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import { builder } from './builder.ts';
import { found } from './found.ts';
import { NodeInterface } from './node-interface.ts';
import { User } from './user.ts';

/** What one user wrote in a room. */
export const Message = builder.objectRef<MessageMessage>('Message').implement({
  description: 'What one user wrote in a room.',
  fields: (t) => ({
    id: t.id({
      description: 'Unique in the whole graph, opaque.',
      resolve: ({ id }) => encodeNodeId('Message', id),
    }),
    text: t.exposeString('text', { description: 'Plain text.' }),
    sequence: t.expose('sequence', {
      type: 'BigInt',
      description: 'Position in the room: 1, 2, 3 and so on, without a gap.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was stored.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
    author: t.field({
      type: User,
      nullable: true,
      calls: [userById],
      description: 'The user who wrote it; null when the account is gone.',
      resolve: ({ authorId }, _args, context, info) =>
        context.load(userById, authorId, context.readMask(info, 'User')),
    }),
  }),
});

/** Most members of a room: what the chat service documents. */
const maxMembers = 50;

/** A place where some users write to each other. */
export const Room = builder.objectRef<RoomMessage>('Room').implement({
  description: 'A place where some users write to each other.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    title: t.exposeString('title', { description: 'What it is about.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was opened.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
    members: t.field({
      type: [User],
      nullable: { list: false, items: true },
      listSize: { assumedSize: maxMembers },
      calls: [{ ...userById, keys: 'items' }],
      description: `The users who may read and write, at most ${maxMembers}; null for an account that is gone.`,
      resolve: ({ memberIds }, _args, context, info) => {
        const readMask = context.readMask(info, 'User');
        return memberIds.map((id) => context.load(userById, id, readMask));
      },
    }),
    messages: t.connection(
      {
        type: Message,
        nullable: true,
        calls: [chatCalls.listMessages],
        description: 'What was written, oldest first.',
        resolve: ({ id }, args, context, info) =>
          resolveConnection(context, info, args, {
            filter: { room: id },
            order: 'oldest',
            load: (page) => listMessages(context, id, page),
          }),
      },
      { name: 'MessageConnection', description: 'A page of messages.' },
      { name: 'MessageEdge', description: 'A message in a page.' },
    ),
  }),
});

builder.queryFields((t) => ({
  room: t.field({
    type: Room,
    nullable: true,
    calls: [roomById],
    description: 'A room by its id; null with an error when there is none for you.',
    args: { id: t.arg.id({ required: true, description: 'The global id of a room.' }) },
    resolve: (_root, { id }, context) => context.load(roomById, assertNodeId(id, 'Room')).then(found),
  }),
}));
