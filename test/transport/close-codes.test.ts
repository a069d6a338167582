import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { closeTable } from '../../src/transport/close-codes.ts';

/** Whether an unmodified client with a subscription comes back after it was closed with a code. */
async function comesBack(code: number, reason: string): Promise<boolean> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: ([first = '']) => first,
  });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { type } = JSON.parse(String(data));
      if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
      else socket.close(code, reason);
    });
  });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const client = createClient({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, // as: a TCP server that listens has one
    webSocketImpl: WebSocket,
    retryWait: async () => resolve(true),
  });
  client.subscribe(
    { query: 'subscription { event }' },
    { next: () => {}, error: () => resolve(false), complete: () => resolve(false) },
  );
  const outcome = await promise;
  await client.dispose();
  server.close();
  for (const socket of server.clients) socket.terminate();
  return outcome;
}

describe('closeTable', () => {
  it.each(Object.entries(closeTable))('says of %s what graphql-ws does', async (_name, fact) => {
    expect(await comesBack(fact.code, fact.reason)).toBe(fact.retried);
  });

  it('has no code that clients take for the end of all, nor one that hides what happened', () => {
    const codes: readonly number[] = Object.values(closeTable).map(({ code }) => code);
    for (const code of [1000, 1005, 1006, 1011, 4500]) expect(codes).not.toContain(code);
    for (const { reason } of Object.values(closeTable)) expect(Buffer.byteLength(reason)).toBeLessThan(124);
  });
});
