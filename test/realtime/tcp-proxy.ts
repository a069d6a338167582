import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** An address in front of a server, to break what runs through it. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** New connections go there; those that are open are cut. */
  readonly pointTo: (port: number) => void;
  /** Cuts all connections; new ones are taken. */
  readonly cut: () => void;
  readonly connections: number;
}

/** Listens on a free port of loopback for `port`. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let target = port;
  const server = createServer((client) => {
    const upstream = dial(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    // Either end closing closes the other; why does not matter to a wire.
    pipeline(client, upstream, client, () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The loopback address gave no port.');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    pointTo: (next) => {
      target = next;
      cut();
    },
    cut,
    get connections() {
      return sockets.size / 2;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
