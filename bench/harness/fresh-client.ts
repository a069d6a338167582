import { once } from 'node:events';
import { TLSSocket } from 'node:tls';
import { type Ask, type Client, createConnection, loadAll, openSocket, openTls } from './client.ts';

/** How a client opens connections: without TLS, by a handshake of its own each, or by a session of before. */
export type Opening = 'plain' | 'full' | 'resumed';

/** A client of HTTP/1.1 with a connection of its own for each request. */
export function createFreshClient(opening: Opening) {
  return async (url: URL, requests: number): Promise<Pick<Client, 'load' | 'close'>> => {
    const session = opening === 'resumed' ? await takeSession(url) : undefined;
    const ask: Ask = async (request) => {
      const socket = opening === 'plain' ? await openSocket(url) : await openTls(url, session);
      const connection = createConnection(url, socket);
      try {
        if (socket instanceof TLSSocket && socket.isSessionReused() !== (session !== undefined))
          throw new Error(`expected a handshake that is ${opening}`);
        return await connection.ask(request);
      } finally {
        connection.close();
      }
    };
    const asks = Array.from({ length: requests }, () => ask);
    return { load: (next, durationMs) => loadAll(asks, next, durationMs), close: () => {} };
  };
}

/** The first ticket that the server gives. */
async function takeSession(url: URL): Promise<Buffer> {
  const socket = await openTls(url);
  const [session] = (await once(socket, 'session')) as [Buffer]; // as: what the event has
  socket.destroy();
  return session;
}
