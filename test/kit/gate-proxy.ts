import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Bytes of the client are requests, those of the server are replies. */
export type Direction = 'request' | 'reply';

/** What a {@link GateProxy} waits for: these bytes in one chunk, or whatever comes. */
export interface Gate {
  readonly direction: Direction;
  readonly marker?: string;
}

/** A line to a server that stops at a certain message, so that a test can act between it and the next. */
export interface GateProxy extends AsyncDisposable {
  readonly port: number;
  /**
   * Holds the first chunk of that kind back, and all that comes after it on its connection in its direction; resolves
   * when it has come. The other direction goes on.
   */
  readonly hold: (gate: Gate) => Promise<void>;
  /** Sends what is held on its way. */
  readonly open: () => void;
  /** Loses what is held, and ends its connections with a reset. */
  readonly cut: () => void;
}

/** As Node types what a socket gives; without an encoding it is a Buffer. */
type Bytes = string | Buffer;

interface Line {
  readonly near: Socket;
  readonly far: Socket;
  /** What is held of each direction; undefined where all passes. */
  readonly held: Record<Direction, Bytes[] | undefined>;
}

/** A gate on a free port of loopback to `targetPort` of loopback; it ends with the test's scope. */
export async function startGateProxy(targetPort: number): Promise<GateProxy> {
  const lines = new Set<Line>();
  let waiting: (Gate & { readonly reached: () => void }) | undefined;

  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const line: Line = { near, far, held: { request: undefined, reply: undefined } };
    lines.add(line);
    for (const socket of [near, far]) {
      socket.on('error', () => end(line));
      socket.once('close', () => end(line));
    }
    near.on('data', (bytes) => pass(line, 'request', bytes));
    far.on('data', (bytes) => pass(line, 'reply', bytes));
  });

  function pass(line: Line, direction: Direction, bytes: Bytes): void {
    const { marker = '' } = waiting ?? {};
    if (waiting?.direction === direction && bytes.includes(marker)) {
      line.held[direction] ??= [];
      waiting.reached();
      waiting = undefined;
    }
    const held = line.held[direction];
    if (held) held.push(bytes);
    else destinationOf(line, direction).write(bytes);
  }

  function end(line: Line): void {
    lines.delete(line);
    line.near.destroy();
    line.far.destroy();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // as: it listens on an address, not on a pipe
    hold: (gate) =>
      new Promise((resolve) => {
        waiting = { ...gate, reached: resolve };
      }),
    open: () => {
      waiting = undefined;
      for (const line of lines)
        for (const direction of ['request', 'reply'] as const) {
          for (const bytes of line.held[direction] ?? []) destinationOf(line, direction).write(bytes);
          line.held[direction] = undefined;
        }
    },
    cut: () => {
      waiting = undefined;
      for (const line of [...lines]) {
        if (!line.held.request && !line.held.reply) continue;
        line.near.resetAndDestroy();
        end(line);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const line of [...lines]) end(line);
      server.close();
      await once(server, 'close');
    },
  };
}

function destinationOf({ near, far }: Line, direction: Direction): Socket {
  return direction === 'request' ? far : near;
}
