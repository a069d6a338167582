import type { Delivered, Live } from '../realtime/sink.ts';
import { payloadFrom } from './stream-payload.ts';
import { asciiJson } from './ws-message.ts';

/** What an event of the single connection mode begins with; its id comes last, so that all before it can be shared. */
const nextHead = 'event: next\ndata: {"payload":';

/** Events of GraphQL over SSE, single connection mode. Payloads are JSON, which has no raw line break. */
export const singleFrame = {
  next: (id: string, payload: string) => `${nextHead}${payload},"id":${asciiJson(id)}}\n\n`,
  complete: (id: string) => `event: complete\ndata: {"id":${asciiJson(id)}}\n\n`,
  /** A comment, which every client passes over: the id of a whole stream cannot tell of one operation. */
  live: (id: string, { cursor }: Live) => `:live ${asciiJson(id)} ${asciiJson(cursor ?? '')}\n\n`,
} as const;

/** The part of an event that all who get it share: all up to the id. */
export function singlePart(delivered: Delivered): Buffer {
  return Buffer.from(nextHead + payloadFrom(delivered));
}

/** The event for one operation. */
export function singleNext(part: Buffer, id: string): Buffer {
  const tail = `,"id":${asciiJson(id)}}\n\n`;
  const frame = Buffer.allocUnsafe(part.length + tail.length);
  part.copy(frame);
  frame.write(tail, part.length, 'latin1');
  return frame;
}
