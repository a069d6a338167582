import { type TopicSource, topicSource } from '../src/index.ts';
import {
  ChatServiceService as chat,
  type Message,
  WatchRoomResponse,
} from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import { required } from './required.ts';
import { afterSequence, isExpired, upstreamOf, watched } from './watch.ts';

/** The messages of a room, every one, in order, as long as its reader is a member. */
export function roomMessages(roomId: string): TopicSource<Message> {
  return topicSource({
    key: JSON.stringify(['room', roomId]),
    mode: 'log',
    audience: 'viewer',
    open: (upstreams, after) => {
      const request = { roomId, afterSequence: afterSequence(after), withStart: true };
      const answers = upstreamOf(upstreams, 'chat').serverStream(chat.watchRoom, request);
      return watched(answers, {
        isEvent: ({ message }) => message !== undefined,
        encode: (answer) => WatchRoomResponse.encode(answer).finish(),
      });
    },
    isExpired,
    read: (payload) => required(WatchRoomResponse.decode(payload).message, 'message'),
  });
}

/** Who is writing in a room at this moment. */
export interface Typing {
  readonly userId: string;
}

/**
 * Who writes in a room, told from client to client by {@link typingPayload}: whoever is away misses it. One topic for all
 * of the room, so its reader's and its writer's membership is the resolver's to see to.
 */
export function roomTyping(roomId: string): TopicSource<Typing> {
  return topicSource({
    key: JSON.stringify(['typing', roomId]),
    mode: 'lossy',
    audience: 'viewer',
    isShared: true,
    read: (payload) => ({ userId: Buffer.from(payload).toString('utf8') }),
  });
}

/** What is published when a user writes. */
export function typingPayload({ userId }: Typing): string {
  return userId;
}
