import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Control, controlBeatMs, controlInitMs, type Listener, resultOf } from './control.ts';
import { isRecord, jsonFrom } from './event-stream.ts';
import type { AuditId } from './run-audits.ts';
import { subprotocol } from './ws-client.ts';

/** First bytes of frames of a client (RFC 6455 section 5.2). */
const firstFragment = 0x01;
const closeFrame = 0x88;
/** Subscriptions that one who cannot count has room for. */
const fewOperations = 10;

/** The WebSockets of a control; what it returns ends them. */
export function serveControlSockets(server: Server, control: Control): () => void {
  const { is } = control;
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: !is('ws-frame-ping'),
    skipUTF8Validation: is('ws-utf8'),
    handleProtocols: (offered) => {
      if (is('ws-subprotocol')) return false;
      if (is('ws-subprotocol-list') && [...offered][0] !== subprotocol) return false;
      return offered.has(subprotocol) ? subprotocol : ([...offered][0] ?? false);
    },
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isRefused = (byte: number | undefined) =>
      (is('ws-fragments') && byte === firstFragment) || (is('ws-close') && byte === closeFrame);
    socket.on('data', ([byte]: Buffer) => {
      if (isRefused(byte)) socket.destroy();
    });
    if (!control.hasRoom('ws-gone')) socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    else
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        if (webSocket.protocol === subprotocol || is('ws-subprotocol-other')) talk(webSocket, control);
        else webSocket.close(4406);
      });
  });
  return () => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  };
}

function talk(socket: WebSocket, control: Control): void {
  const { is, listeners } = control;
  const ids = new Map<string, Listener>();
  let isReady = false;
  let begun = 0;
  const say = (message: object) =>
    new Promise<void>((resolve) => {
      socket.send(JSON.stringify(message), () => resolve());
    });
  const initTimer = setTimeout(() => {
    if (!isReady && !is('ws-init-timeout')) socket.close(4408);
  }, controlInitMs);
  const pinger = setInterval(() => {
    if (!is('ws-keep-alive')) socket.ping();
  }, controlBeatMs);
  socket.on('error', () => {}); // `close` follows
  socket.once('close', () => {
    clearTimeout(initTimer);
    clearInterval(pinger);
    for (const listener of ids.values()) listeners.delete(listener);
  });
  const begin = (id: string, query: string) => {
    begun += 1;
    if (is('ws-many') && begun > fewOperations) return socket.close(4429);
    if (ids.has(id)) return is('ws-duplicate') ? undefined : socket.close(4409);
    const result = resultOf(query);
    const told = is('ws-events') ? ([...ids.keys()][0] ?? id) : id;
    const listener: Listener = (payload) => {
      const writing = say({ type: 'next', id: told, payload });
      return is('ws-stalled') ? writing : undefined;
    };
    if (typeof result !== 'object') {
      ids.set(id, listener);
      listeners.add(listener);
    } else if ('errors' in result) {
      void say({ type: 'error', id, payload: result['errors'] });
      if (is('ws-error')) void say({ type: 'complete', id });
      if (is('ws-error-frees')) ids.set(id, listener);
    } else {
      void listener(result);
      if (is('ws-query')) void listener(result);
      void say({ type: 'complete', id });
    }
  };
  const stop = (id: string) => {
    const listener = ids.get(id);
    if (listener === undefined) return is('ws-complete-unknown') ? socket.close(4400) : undefined;
    if (!is('ws-complete')) listeners.delete(listener);
    if (!is('ws-complete-frees')) ids.delete(id);
  };
  const initialise = () => {
    if (isReady && !is('ws-second-init')) return socket.close(4429);
    isReady = true;
    if (!is('ws-ack')) void say({ type: 'connection_ack' });
  };
  socket.on('message', (data) => {
    const message = jsonFrom(String(data));
    const refuse = (fault: AuditId) => {
      if (!is(fault)) socket.close(4400);
    };
    if (!isRecord(message)) return refuse('ws-not-json');
    const { type, id, payload } = message;
    if (payload !== undefined && !isRecord(payload)) return refuse('ws-no-payload');
    if (type === 'connection_init') return initialise();
    if (type === 'ping') return void ((isReady || !is('ws-ping')) && say({ type: 'pong' }));
    if (type === 'pong') return is('ws-pong') ? socket.close(4400) : undefined;
    if (type === 'complete' && typeof id === 'string') return stop(id);
    if (type !== 'subscribe') return refuse('ws-unknown-type');
    if (!isReady && !is('ws-not-acknowledged')) return socket.close(4401);
    if (typeof id !== 'string') return refuse('ws-no-id');
    if (typeof payload?.['query'] !== 'string') return refuse('ws-no-query');
    begin(id, payload['query']);
  });
}
