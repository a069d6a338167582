import type { RequestListener } from 'node:http';
import { createServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { blockListFrom, isListed } from '../networks.ts';
import { http2Listener, http2Messages } from './http2-messages.ts';
import { boundSessions, sessionBounds } from './http2-sessions.ts';
import { createListener, type GraphListener, type SocketSettings } from './listener.ts';
import { destroyAll, keepWhileOpen } from './open-sockets.ts';
import { awaitPreface } from './preface.ts';

/** A listener without TLS. */
export interface PlainSettings extends SocketSettings {
  /** Networks whose peers may speak HTTP/2 in plain text, addresses or CIDRs. */
  readonly trustedProxies: readonly string[];
}

/**
 * A server in plain text that keeps clients to `settings`, not yet listening: HTTP/1.1, and HTTP/2 by prior knowledge (RFC 9113
 * section 3.3) to those who begin with it and are trusted proxies. To anybody else its preface is a bad request of
 * HTTP/1.1. There is no `Upgrade: h2c`, which RFC 9113 has given up.
 */
export function createPlainListener(
  settings: PlainSettings,
  listener: RequestListener,
  clock: Clock,
): GraphListener {
  const server = createListener(settings, listener);
  if (settings.trustedProxies.length === 0) return server;
  const proxies = blockListFrom(settings.trustedProxies);
  const streamed = createServer({ ...sessionBounds(settings), ...http2Messages });
  streamed.on('request', http2Listener(listener));
  streamed.on('connect', (request, response) => server.emit('connect', request, response));
  boundSessions(streamed, settings, clock);
  const undecided = new Set<Socket>();
  const http2Sockets = new Set<Socket>();
  // Node's own, which takes a connection for HTTP/1.1 as soon as it is there.
  const takers = server.listeners('connection');
  server.removeAllListeners('connection');
  const take = (socket: Socket) => {
    for (const taker of takers) Reflect.apply(taker, server, [socket]);
  };
  server.on('connection', (socket: Socket) => {
    if (!isListed(proxies, socket.remoteAddress)) return take(socket);
    keepWhileOpen(undecided, socket);
    awaitPreface(socket, { timeoutMs: settings.headersTimeoutMs, clock }, (isHttp2) => {
      undecided.delete(socket);
      if (!isHttp2) return take(socket);
      keepWhileOpen(http2Sockets, socket);
      streamed.emit('connection', socket);
    });
  });
  return closingWith(server, {
    close: () => streamed.close(),
    closeIdle: () => destroyAll(undecided),
    closeAll: () => destroyAll(http2Sockets),
  });
}

/** What else there is to close, and when. */
interface Closings {
  /** Takes leave of sessions, which end when nothing is in flight. */
  readonly close: () => void;
  readonly closeIdle: () => void;
  readonly closeAll: () => void;
}

function closingWith(server: GraphListener, { close, closeIdle, closeAll }: Closings): GraphListener {
  const own = {
    close: server.close.bind(server),
    closeIdleConnections: server.closeIdleConnections.bind(server),
    closeAllConnections: server.closeAllConnections.bind(server),
  };
  return Object.assign(server, {
    close: (done?: (error?: Error) => void) => {
      close();
      return own.close(done);
    },
    closeIdleConnections: () => {
      closeIdle();
      own.closeIdleConnections();
    },
    closeAllConnections: () => {
      closeIdle();
      closeAll();
      own.closeAllConnections();
    },
  });
}
