import { openWire, type Wire } from '../transport/wire.ts';

/** A TCP connection that was upgraded by hand, for frames that no client would send. */
export interface RawWs extends AsyncDisposable {
  readonly wire: Wire;
  readonly send: (frame: Buffer) => void;
  /** The code of the close frame that came, or 1006 when the connection ended without one. */
  readonly closed: Promise<number>;
}

export interface FrameOptions {
  readonly opcode?: number;
  readonly isFinal?: boolean;
  readonly reserved?: number;
  readonly isMasked?: boolean;
}

/** One frame of a client (RFC 6455 section 5.2), masked with zeros. */
export function frameOf(
  payload: Buffer | string,
  { opcode = 1, isFinal = true, reserved = 0, isMasked = true }: FrameOptions = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const head = lengthOf(bytes.length, mask);
  return Buffer.concat([Buffer.from([first]), head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), bytes]);
}

/** Only the head of a frame that says it is as long as this. */
export function headOf(bytes: number): Buffer {
  return Buffer.concat([Buffer.from([0x81]), lengthOf(bytes, 0x80), Buffer.alloc(4)]);
}

function lengthOf(bytes: number, mask: number): Buffer {
  if (bytes < 126) return Buffer.from([mask | bytes]);
  if (bytes < 65_536) return Buffer.from([mask | 126, bytes >> 8, bytes & 255]);
  const long = Buffer.alloc(9);
  long[0] = mask | 127;
  long.writeBigUInt64BE(BigInt(bytes), 1);
  return long;
}

/** Upgrades by hand, offering `extensions` too. */
export async function openRawWs(url: string, extensions?: string): Promise<RawWs> {
  const wire = await openWire(url);
  wire.send(
    'GET /graphql HTTP/1.1',
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
    ...(extensions ? [`Sec-WebSocket-Extensions: ${extensions}`] : []),
    '',
    '',
  );
  await wire.until(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\n/);
  // RFC 6455 section 5.5.1: who is sent a close frame answers with one, or the server waits for it.
  wire.socket.on('data', (text: string) => {
    const frame = closeFrameAtEnd(Buffer.from(text, 'latin1'));
    if (frame && wire.socket.writable) wire.socket.write(frameOf(frame.subarray(2), { opcode: 8 }));
  });
  return {
    wire,
    send: (frame) => void wire.socket.write(frame),
    closed: wire.closed.then(closeCodeOf),
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  };
}

function closeCodeOf(received: string): number {
  return closeFrameAtEnd(Buffer.from(received, 'latin1'))?.readUInt16BE(2) ?? 1006;
}

/** The close frame is the last, unmasked and short; undefined where there is none. */
function closeFrameAtEnd(bytes: Buffer): Buffer | undefined {
  const at = bytes.lastIndexOf(0x88);
  const length = bytes[at + 1] ?? 0;
  return at >= 0 && length >= 2 && at + 2 + length === bytes.length ? bytes.subarray(at) : undefined;
}
