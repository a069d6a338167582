import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** How a subscription is carried. */
export type SubscriberTransport = 'ws' | 'sse';

/** What is subscribed to, where and as whom. */
export interface SubscriberOptions {
  readonly transport: SubscriberTransport;
  readonly url: URL;
  readonly query: string;
  /** Position after which events shall go on. */
  readonly resume?: string | undefined;
  readonly token?: string | undefined;
  /** All bytes that come once the operation was sent, as they come. */
  readonly onData: (chunk: Buffer) => void;
  /** The connection has ended, whoever did that. */
  readonly onClose?: () => void;
}

/** One subscription on a connection of its own. */
export interface RawSubscriber {
  readonly socket: Socket;
  readonly close: () => void;
}

/** A connection that takes longer to open is a failure. */
const openMs = 30_000;

const opcodes = { text: 0x81, close: 0x88, ping: 0x89, pong: 0x8a } as const;
const pong = maskedFrame(opcodes.pong, '');
const closeFrame = maskedFrame(opcodes.close, '');

/**
 * Subscribes over a bare socket: a client of the standard library would cost more than the servers it measures. Resolves
 * when the operation was sent; what comes back is not looked at.
 */
export async function openSubscriber(options: SubscriberOptions): Promise<RawSubscriber> {
  const { url, transport } = options;
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  // What a connection ends with is told by `close`, which follows.
  socket.on('error', ignore);
  socket.setTimeout(openMs, () => socket.destroy());
  const closed = new Promise<never>((_resolve, reject) => {
    socket.once('close', () => reject(new Error(`${url.href} closed a new connection`)));
  });
  await Promise.race([transport === 'ws' ? openWs(socket, options) : openSse(socket, options), closed]);
  socket.setTimeout(0);
  if (transport === 'ws') socket.on('data', answerControl);
  socket.on('data', options.onData);
  if (options.onClose) socket.once('close', options.onClose);
  return { socket, close: () => socket.destroy() };
}

async function openWs(socket: Socket, { url, query, resume, token }: SubscriberOptions): Promise<void> {
  const head = [
    `GET ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await untilReceived(socket, '\r\n\r\n');
  const credentials = token === undefined ? {} : { payload: { authorization: `Bearer ${token}` } };
  sendText(socket, { type: 'connection_init', ...credentials });
  await untilReceived(socket, '"connection_ack"');
  const extensions = resume === undefined ? {} : { extensions: { resume } };
  sendText(socket, { id: '1', type: 'subscribe', payload: { query, ...extensions } });
}

async function openSse(socket: Socket, { url, query, resume, token }: SubscriberOptions): Promise<void> {
  const body = JSON.stringify({ query });
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    'Accept: text/event-stream',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(resume === undefined ? [] : [`Last-Event-ID: ${resume}`]),
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
  });
}

/** Resolves with the chunk that has `text`; the next ones wait. Servers send such short messages in one piece. */
function untilReceived(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => {
    let received = '';
    const read = (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (!received.includes(text)) return;
      socket.off('data', read);
      resolve();
    };
    socket.on('data', read);
  });
}

function sendText(socket: Socket, message: object): void {
  socket.write(maskedFrame(opcodes.text, JSON.stringify(message)));
}

/** A frame of a client, masked with zeros, which leaves its payload as it is (RFC 6455 section 5.3). */
function maskedFrame(firstByte: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? [firstByte, 0x80 | payload.length]
      : [firstByte, 0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

/** A ping without data is two bytes that stand nowhere else in messages of ASCII; a close frame is the last of all. */
function answerControl(this: Socket, chunk: Buffer): void {
  const pingAt = chunk.indexOf(opcodes.ping);
  if (pingAt >= 0 && chunk[pingAt + 1] === 0) this.write(pong);
  const closeAt = chunk.lastIndexOf(opcodes.close);
  if (closeAt >= 0 && closeAt + 2 + (chunk[closeAt + 1] ?? 0) === chunk.length) this.end(closeFrame);
}

function ignore(): void {}
