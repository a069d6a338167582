import { createServer, type RequestListener, type Server } from 'node:http';

/** Bounds of connections: a part of the section `server` of the configuration. */
export interface SocketSettings {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxRequestsPerConnection: number;
}

/** Milliseconds between two looks at slow clients; by Node's default of 30 s a bound of 5 s would be one of 35 s. */
const checkingIntervalMs = 1000;

/** An HTTP/1.1 server that keeps clients to `settings`, not yet listening. */
export function createListener(settings: SocketSettings, listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: settings.headersTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      connectionsCheckingInterval: checkingIntervalMs,
      maxHeaderSize: settings.maxHeaderBytes,
    },
    listener,
  );
  // Node would leave out what is above its bound, in silence; ours is that of the edge, which refuses.
  server.maxHeadersCount = 0;
  server.maxConnections = settings.maxConnections;
  server.maxRequestsPerSocket = settings.maxRequestsPerConnection;
  return server;
}
