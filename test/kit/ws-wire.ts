import { once } from 'node:events';
import WebSocket from 'ws';

/** A WebSocket that speaks as a test tells it to. */
export interface WsWire extends AsyncDisposable {
  readonly socket: WebSocket;
  /** Messages that came, parsed. */
  readonly messages: Readonly<Record<string, unknown>>[];
  readonly send: (message: unknown) => void;
  /** Resolves with the first message, from the first that came, that has these members. */
  readonly until: (members: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, unknown>>>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Opens a WebSocket; `init: false` leaves out the first message. */
export async function openWs(
  url: string,
  { init = true, payload, ...options }: WsWireOptions = {},
): Promise<WsWire> {
  const socket = new WebSocket(url, options.subprotocols ?? ['graphql-transport-ws'], {
    headers: options.headers ?? {},
  });
  const messages: Readonly<Record<string, unknown>>[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    for (const check of waiting) check();
  });
  await once(socket, 'open');
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  const until: WsWire['until'] = (members) =>
    new Promise((resolve) => {
      const check = () => {
        const found = messages.find((message) =>
          Object.entries(members).every(([name, value]) => message[name] === value),
        );
        if (!found) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  const send = (message: unknown) =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  if (init) {
    send({ type: 'connection_init', payload });
    await until({ type: 'connection_ack' });
  }
  return {
    socket,
    messages,
    send,
    until,
    closed,
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await closed;
    },
  };
}

export interface WsWireOptions {
  readonly init?: boolean;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly subprotocols?: string[];
  readonly headers?: Readonly<Record<string, string>>;
}
