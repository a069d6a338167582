import { openWire, type Wire } from '../transport/wire.ts';

/** Types of frames (RFC 9113 section 6). */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames (RFC 9113 section 6). */
export const frameFlags = { none: 0, endStream: 1, acknowledged: 1, endHeaders: 4 } as const;

/** One frame of HTTP/2 (RFC 9113 section 4.1). */
export interface Frame {
  readonly type: keyof typeof frameTypes;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A connection of HTTP/2 whose client sends any frames: what no library would send. */
export interface FrameWire extends AsyncDisposable {
  readonly wire: Wire;
  readonly send: (...frames: readonly Buffer[]) => void;
  /** All whole frames that came. */
  readonly received: () => readonly Frame[];
  /** Resolves once there is such a frame, or the server has closed the connection. */
  readonly until: (isMeant: (frame: Frame) => boolean) => Promise<Frame | undefined>;
  /** Resolves once all that was sent is read: false when the connection is closed by then. */
  readonly settle: () => Promise<boolean>;
}

const headBytes = 9;
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A frame as it stands, whatever the standard says of it. */
export function frame(
  type: keyof typeof frameTypes,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(frameTypes[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A block of headers, each written out and none kept (RFC 7541 section 6.2.2). */
export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  const fields = headers.map(([name, value]) => Buffer.concat([Buffer.of(0), literal(name), literal(value)]));
  return Buffer.concat(fields);
}

/** A whole number in a prefix of so many bits (RFC 7541 section 5.1). */
export function prefixed(value: number, bits: number, rest = 0): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.of(rest | value);
  const bytes = [rest | most];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Buffer.of(...bytes, left);
}

/** A string without Huffman code (RFC 7541 section 5.2). */
export function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([prefixed(bytes.length, 7), bytes]);
}

/** Opens one; over TLS where the address says so. */
export async function openFrames(url: string): Promise<FrameWire> {
  const wire = await openWire(url, { ALPNProtocols: ['h2'] });
  let text = '';
  let pings = 0;
  let isClosed = false;
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  wire.socket.on('data', (more: string) => {
    text = takeFrames(text + more, frames);
    for (const check of waiting) check();
  });
  void wire.closed.then(() => {
    isClosed = true;
    for (const check of waiting) check();
  });
  const until: FrameWire['until'] = (isMeant) =>
    new Promise((resolve) => {
      const check = () => {
        const found = frames.find(isMeant);
        if (!found && !isClosed) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  wire.socket.write(preface);
  wire.socket.write(frame('settings', frameFlags.none, 0));
  await until(({ type }) => type === 'settings');
  return {
    wire,
    send: (...sent) => void wire.socket.write(Buffer.concat(sent)),
    received: () => frames,
    until,
    settle: async () => {
      pings += 1;
      const data = Buffer.alloc(8);
      data.writeUInt32BE(pings, 0);
      wire.socket.write(frame('ping', frameFlags.none, 0, data));
      await until(({ type, payload }) => type === 'ping' && payload.equals(data));
      return !isClosed;
    },
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  };
}

/** Moves whole frames out of what came (latin1); the rest is given back. */
function takeFrames(text: string, frames: Frame[]): string {
  const bytes = Buffer.from(text, 'latin1');
  const names = Object.keys(frameTypes) as (keyof typeof frameTypes)[]; // as: its keys, in the order of their numbers
  let at = 0;
  while (bytes.length - at >= headBytes) {
    const end = at + headBytes + bytes.readUIntBE(at, 3);
    if (bytes.length < end) break;
    const type = names[bytes.readUInt8(at + 3)];
    const payload = bytes.subarray(at + headBytes, end);
    if (type)
      frames.push({ type, flags: bytes.readUInt8(at + 4), stream: bytes.readUInt32BE(at + 5), payload });
    at = end;
  }
  return text.slice(at);
}
