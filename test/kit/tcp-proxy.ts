import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to a server that a test may cut in several ways. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Holds back what either side sends until {@link resume}; connections stay, and so does what was sent. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends every connection at once with a TCP reset; new ones are served. */
  readonly reset: () => void;
  /** Loses what either side sends, and accepts connections that lead nowhere, as a broken firewall does. */
  readonly blackhole: () => void;
  /** Ends the blackhole for connections made from now on; those of before stay dead. */
  readonly heal: () => void;
  /** Leads new connections to another port; those that there are stay. */
  readonly retarget: (port: number) => void;
}

interface Line {
  readonly near: Socket;
  readonly far: Socket;
}

/** A proxy on a free port of loopback to `targetPort` of `host` (loopback); it ends with the test's scope. */
export async function startTcpProxy(targetPort: number, host = '127.0.0.1'): Promise<TcpProxy> {
  const lines = new Set<Line>();
  const lost = new Set<Socket>();
  let target = targetPort;
  let isPaused = false;
  let isBlackhole = false;

  const server = createServer((near) => {
    near.on('error', () => near.destroy());
    if (isBlackhole) {
      lost.add(near.resume());
      near.once('close', () => lost.delete(near));
      return;
    }
    const far = connect(target, host);
    const line = { near, far };
    lines.add(line);
    far.on('error', () => near.destroy());
    for (const socket of [near, far]) socket.once('close', () => endLine(line));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const)
      from.on('data', (bytes) => {
        if (lines.has(line)) to.write(bytes);
      });
    if (isPaused) pauseLine(line);
  });

  const endLine = (line: Line) => {
    lines.delete(line);
    line.near.destroy();
    line.far.destroy();
  };
  const pauseLine = ({ near, far }: Line) => {
    near.pause();
    far.pause();
  };
  const reset = () => {
    for (const line of [...lines]) {
      line.near.resetAndDestroy();
      endLine(line);
    }
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // as: it listens on an address, not on a pipe
    pause: () => {
      isPaused = true;
      for (const line of lines) pauseLine(line);
    },
    resume: () => {
      isPaused = false;
      for (const { near, far } of lines) {
        near.resume();
        far.resume();
      }
    },
    reset,
    blackhole: () => {
      isBlackhole = true;
      for (const { near, far } of lines) {
        for (const socket of [near, far]) socket.removeAllListeners('data').resume();
        lost.add(near).add(far);
      }
      lines.clear();
    },
    heal: () => {
      isBlackhole = false;
    },
    retarget: (port) => {
      target = port;
    },
    [Symbol.asyncDispose]: async () => {
      reset();
      for (const socket of lost) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
