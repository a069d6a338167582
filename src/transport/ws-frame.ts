import { asciiJson } from './ws-message.ts';

/** First byte of an unfragmented frame: FIN and the opcode (RFC 6455 section 5.2). */
const opcodes = { text: 0x81, ping: 0x89, pong: 0x8a } as const;

/** What a `next` message begins with; its id comes last, so that all before it is the same for every subscriber. */
const nextHead = '{"type":"next","payload":';

/** A ping without data (RFC 6455 section 5.5.2): the same for all, and always written whole. */
export const pingFrame: Buffer = Buffer.from([opcodes.ping, 0]);

/** The part of a `next` message that all subscribers of an event share: the message up to its id. */
export function nextPart(payload: string): Buffer {
  return Buffer.from(nextHead + payload);
}

/** What a `next` message of one operation ends with, in ASCII. */
export function nextTail(id: string): string {
  return `,"id":${asciiJson(id)}}`;
}

/** The `next` message of one subscriber as a frame: the shared part, and its {@link nextTail}. */
export function nextFrame(part: Buffer, tail: string): Buffer {
  const frame = frameFor(opcodes.text, part.length + tail.length);
  part.copy(frame, frame.length - tail.length - part.length);
  frame.write(tail, frame.length - tail.length, 'latin1');
  return frame;
}

/** One text message as a frame. */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const frame = frameFor(opcodes.text, bytes);
  frame.write(text, frame.length - bytes, 'utf8');
  return frame;
}

/** The answer to a ping, with its data: at most 125 bytes (RFC 6455 section 5.5.3). */
export function pongFrame(data: Buffer): Buffer {
  const frame = frameFor(opcodes.pong, data.length);
  data.copy(frame, frame.length - data.length);
  return frame;
}

/** A frame of a server, which masks nothing, with room for `bytes` of payload at its end. */
function frameFor(firstByte: number, bytes: number): Buffer {
  if (bytes < 126) return withHead(Buffer.allocUnsafe(2 + bytes), firstByte, bytes);
  if (bytes < 65_536) {
    const frame = withHead(Buffer.allocUnsafe(4 + bytes), firstByte, 126);
    frame.writeUInt16BE(bytes, 2);
    return frame;
  }
  const frame = withHead(Buffer.allocUnsafe(10 + bytes), firstByte, 127);
  frame.writeUInt32BE(Math.floor(bytes / 2 ** 32), 2);
  frame.writeUInt32BE(bytes % 2 ** 32, 6);
  return frame;
}

function withHead(frame: Buffer, firstByte: number, length: number): Buffer {
  frame[0] = firstByte;
  frame[1] = length;
  return frame;
}
