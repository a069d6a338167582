import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP server that accepts and stays silent, until told to pass on to a real one. */
export async function listenSilently(port = 0) {
  const sockets = new Set<Socket>();
  let forwardPort: number | undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    if (forwardPort === undefined) {
      socket.resume();
      return;
    }
    const onward = connect(forwardPort, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`, // TCP
    server,
    sockets,
    /** New connections reach `target`; without one they meet silence. */
    forwardTo: (target?: string) => {
      forwardPort = target === undefined ? undefined : Number(target.split(':')[1]);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
