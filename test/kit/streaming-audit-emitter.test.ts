import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createEmitter } from './streaming-audit/emitter.ts';

/** A server that gives these answers in turn, and the last one for ever. */
async function openServer(answers: readonly (readonly [status: number, retryAfter: string])[]) {
  let asked = 0;
  const keys = new Set<unknown>();
  const server = createServer((request, response) => {
    const [status = 200, retryAfter = ''] = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    keys.add(request.headers['idempotency-key']);
    request.resume().once('end', () => {
      response.writeHead(status, { 'retry-after': retryAfter }).end('{"data":{"publish":1}}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  const url = new URL(`http://127.0.0.1:${port}/`);
  return {
    emitter: createEmitter({ url, mutation: 'mutation { publish }', headers: {}, timeoutMs: 3000 }),
    seen: () => ({ asked, keys: keys.size }),
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

it('createEmitter() asks again when it is told to wait, and publishes each time with a key of its own', async () => {
  await using server = await openServer([
    [429, '0'],
    [503, '1'],
    [200, ''],
  ]);
  await server.emitter.emit();
  expect(server.seen()).toEqual({ asked: 3, keys: 3 });
  await server.emitter.emit(20);
  expect(server.seen()).toEqual({ asked: 23, keys: 23 });
});

it.each([
  ['is told to wait for longer than anything may take', 429, '60'],
  ['is refused', 403, '0'],
])('createEmitter() skips the audit when it %s', async (_what, status, retryAfter) => {
  await using server = await openServer([[status, retryAfter]]);
  await expect(server.emitter.emit()).rejects.toThrow(`the mutation that publishes was refused: ${status}`);
  expect(server.seen()).toEqual({ asked: 1, keys: 1 });
});
