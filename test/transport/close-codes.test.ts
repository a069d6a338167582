import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventSource } from 'eventsource';
import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { closeTable } from '../../src/transport/close-codes.ts';

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // as: a TCP server that listens has one
}

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

describe('a client that is refused with a status', () => {
  it('never comes back when it is graphql-ws', async () => {
    const server = createServer().on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n');
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    const client = createClient({
      url: `ws://127.0.0.1:${await portOf(server)}`,
      webSocketImpl: WebSocket,
      retryWait: async () => resolve('comes back'),
    });
    const end = () => resolve('gives up');
    client.subscribe({ query: 'subscription { event }' }, { next: () => {}, error: end, complete: end });
    expect(await promise).toBe('gives up');
    await client.dispose();
    server.close();
  });

  it('never comes back when it is EventSource', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(503, { 'retry-after': '1', connection: 'close' }).end('retry: 0\n\n');
    });
    const source = new EventSource(`http://127.0.0.1:${await portOf(server)}`);
    await new Promise((resolve) => source.addEventListener('error', resolve));
    expect(source.readyState).toBe(source.CLOSED);
    server.close();
  });
});

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
