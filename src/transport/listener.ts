import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Server as NetServer } from 'node:net';

/** Bounds of connections: a part of the section `server` of the configuration. */
export interface SocketSettings {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxConnections: number;
  readonly maxRequestsPerConnection: number;
  readonly maxStreamsPerConnection: number;
}

/** A server of the graph, whatever protocols it speaks. */
export interface GraphListener
  extends NetServer,
    Pick<Server, 'closeIdleConnections' | 'closeAllConnections'> {}

/** Milliseconds between two looks at slow clients; by Node's default of 30 s a bound of 5 s would be one of 35 s. */
const checkingIntervalMs = 1000;

/** An HTTP/1.1 server that keeps clients to `settings`, not yet listening. */
export function createListener(settings: SocketSettings, listener: RequestListener): GraphListener {
  const server = createServer(http1Bounds(settings), listener);
  boundSockets(server, settings);
  return server;
}

/** What Node takes in its options. */
export function http1Bounds(settings: SocketSettings) {
  return {
    headersTimeout: settings.headersTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    connectionsCheckingInterval: checkingIntervalMs,
    maxHeaderSize: settings.maxHeaderBytes,
    // Clients that offer HTTP/2 so (`Upgrade: h2c`) are answered as if they had not (RFC 9110 section 7.8).
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
    // The edge refuses what names no host; behind Node's own refusal the next request would run.
    requireHostHeader: false,
  } as const;
}

/** What Node takes as members of a server. */
export function boundSockets(server: NetServer, settings: SocketSettings): void {
  Object.assign(server, {
    // Node would leave out what is above its bound, in silence; ours is that of the edge, which refuses.
    maxHeadersCount: 0,
    maxConnections: settings.maxConnections,
    maxRequestsPerSocket: settings.maxRequestsPerConnection,
  });
}
