import { type RawData, WebSocket } from 'ws';
import type { AuditTarget } from './audit.ts';
import { isRecord, jsonFrom } from './event-stream.ts';
import { keptIf } from './kept-if.ts';
import { Watch } from './patience.ts';
import { AuditFailure, excerptOf, expectThat } from './verdict.ts';

export const subprotocol = 'graphql-transport-ws';

/** One message of a server; undefined members are not in it. */
export interface ServerMessage {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: unknown;
}

/** A WebSocket that says what an audit tells it to, right or wrong, and believes nothing of the server. */
export interface AuditSocket extends AsyncDisposable {
  readonly socket: WebSocket;
  readonly messages: readonly ServerMessage[];
  /** Frames of pings that came, and of pongs with their text. */
  readonly pings: number;
  readonly pongs: readonly string[];
  /** Set when the server has closed. */
  readonly closeCode: number | undefined;
  /** An object as JSON; a text or bytes as they are. */
  readonly send: (message: object | string) => void;
  readonly until: (holds: () => boolean, ms?: number) => Promise<boolean>;
  /** Resolves with the first message of that type, and of that id where one is given. */
  readonly message: (type: string, id?: string) => Promise<ServerMessage>;
  /** Resolves when the server has closed with `code`. */
  readonly closedWith: (code: number, ms?: number) => Promise<void>;
  /** Stops reading; the connection stays. */
  readonly pause: () => void;
}

/** How a handshake ended: open, or with the status of a refusal. */
export type Handshake = AuditSocket | { readonly refusal: number };

/** Offers the subprotocols. */
export async function shakeHands(
  { url, headers, timeoutMs }: AuditTarget,
  offered: readonly string[] = [subprotocol],
): Promise<Handshake> {
  const socket = new WebSocket(url.href.replace(/^http/, 'ws'), [...offered], {
    headers,
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
  });
  const refusal = await new Promise<number | undefined>((resolve, reject) => {
    socket.once('open', () => resolve(undefined));
    socket.once('unexpected-response', (request, { statusCode = 0 }) => {
      resolve(statusCode);
      request.destroy();
    });
    socket.on('error', (error) => reject(new AuditFailure('an answer to the handshake', error.message)));
  });
  return refusal === undefined ? auditSocketFrom(socket, timeoutMs) : { refusal };
}

/** A socket that is open; not initialised. */
export async function openSocket(target: AuditTarget): Promise<AuditSocket> {
  const opened = await shakeHands(target);
  if ('refusal' in opened) throw new AuditFailure('101 to the handshake', `${opened.refusal}`);
  return opened;
}

/** A socket whose server has acknowledged the connection. */
export async function openAcknowledged(target: AuditTarget): Promise<AuditSocket> {
  return keptIf(await openSocket(target), async (opened) => {
    opened.send({ type: 'connection_init', ...(target.init && { payload: target.init }) });
    await opened.message('connection_ack');
  });
}

function auditSocketFrom(socket: WebSocket, timeoutMs: number): AuditSocket {
  const watch = new Watch();
  const messages: ServerMessage[] = [];
  const pongs: string[] = [];
  let pings = 0;
  let closeCode: number | undefined;
  socket.on('message', (data: RawData) => {
    const value = jsonFrom(String(data));
    const message: ServerMessage = isRecord(value) ? value : {};
    messages.push(message);
    // The protocol asks for an answer at once.
    if (message.type === 'ping' && socket.readyState === WebSocket.OPEN) socket.send('{"type":"pong"}');
    watch.changed();
  });
  socket.on('ping', () => {
    pings += 1;
    watch.changed();
  });
  socket.on('pong', (data) => {
    pongs.push(String(data));
    watch.changed();
  });
  socket.once('close', (code) => {
    closeCode = code;
    watch.changed();
  });
  const until: AuditSocket['until'] = (holds, ms = timeoutMs) => watch.until(holds, ms);
  const seen = () =>
    closeCode === undefined ? `nothing but ${excerptOf(messages)}` : `a close with ${closeCode}`;
  return {
    socket,
    messages,
    pongs,
    get pings() {
      return pings;
    },
    get closeCode() {
      return closeCode;
    },
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    until,
    message: async (type, id) => {
      const find = () =>
        messages.find((message) => message.type === type && (id === undefined || message.id === id));
      await until(() => find() !== undefined || closeCode !== undefined);
      const found = find();
      expectThat(found !== undefined, `a message "${type}"${id === undefined ? '' : ` of ${id}`}`, seen());
      return found;
    },
    closedWith: async (code, ms) => {
      await until(() => closeCode !== undefined, ms);
      expectThat(closeCode === code, `a close with ${code}`, seen());
    },
    pause: () => socket.pause(),
    [Symbol.asyncDispose]: async () => socket.terminate(),
  };
}
