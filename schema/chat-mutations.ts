import { chatCalls, sendMessage } from '../loaders/chat.ts';
import { assertNodeId } from '../src/index.ts';
import type { Message as MessageMessage } from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import { builder } from './builder.ts';
import { Message } from './room.ts';
import { assertSubject } from './subject.ts';

const SendMessageInput = builder.inputType('SendMessageInput', {
  description: 'A message of the user who asks.',
  fields: (t) => ({
    room: t.id({ required: true, description: 'The global id of the room.' }),
    text: t.string({ required: true, description: 'Plain text, 1 to 2,000 characters.' }),
    idempotencyKey: t.string({
      description:
        'Same key, same message: sent again, it gives the first answer again. Here or in the header `Idempotency-Key`; 16 to 255 visible ASCII characters.',
    }),
  }),
});

const SendMessagePayload = builder
  .objectRef<{ readonly message: MessageMessage }>('SendMessagePayload')
  .implement({
    description: 'A message that was stored.',
    fields: (t) => ({
      message: t.field({ type: Message, description: 'The message.', resolve: ({ message }) => message }),
    }),
  });

builder.mutationFields((t) => ({
  sendMessage: t.field({
    type: SendMessagePayload,
    nullable: true,
    authScopes: { user: true },
    // Whatever is sent goes out again to all who listen to the room.
    cost: 5,
    idempotency: 'supported',
    calls: [chatCalls.sendMessage],
    description: 'Writes in a room of which the user who asks is a member.',
    args: { input: t.arg({ type: SendMessageInput, required: true, description: 'The message.' }) },
    resolve: async (_root, { input }, context) => {
      const roomId = assertNodeId(input.room, 'Room', ['input', 'room']);
      const idempotencyKey = context.idempotencyKey ?? '';
      const request = { roomId, authorId: assertSubject(context), text: input.text, idempotencyKey };
      return { message: await sendMessage(context, request) };
    },
  }),
}));
