import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTcpProxy } from './tcp-proxy.ts';

/** Servers that answer every chunk with their name. */
const servers = ['one', 'two'].map((name) =>
  createServer((socket) => {
    socket.on('data', () => socket.write(name)).on('error', () => socket.destroy());
  }),
);

beforeAll(async () => {
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(() => {
  for (const server of servers) server.close();
});

function portOf(index: number): number {
  const address = servers[index]?.address() as AddressInfo; // as: it listens on an address
  return address.port;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** What comes back within 50 ms. */
async function ask(socket: Socket): Promise<string> {
  socket.write('?');
  return Promise.race([nextText(socket), after(50, 'silent')]);
}

function nextText(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));
}

it('startTcpProxy() cuts a line in each of its ways, and mends it', async () => {
  await using proxy = await startTcpProxy(portOf(0));
  const socket = await open(proxy.port);
  expect(await ask(socket)).toBe('one');

  proxy.pause();
  expect(await ask(socket)).toBe('silent');
  const held = nextText(socket);
  proxy.resume();
  expect(await held).toBe('one');

  const isClosed = new Promise((resolve) => socket.once('close', resolve));
  proxy.reset();
  await isClosed;
  const second = await open(proxy.port);
  expect(await ask(second)).toBe('one');

  proxy.blackhole();
  expect(await ask(second)).toBe('silent');
  const third = await open(proxy.port);
  expect(await ask(third)).toBe('silent');
  proxy.heal();
  expect(await ask(third)).toBe('silent');
  const fourth = await open(proxy.port);
  expect(await ask(fourth)).toBe('one');

  proxy.retarget(portOf(1));
  expect(await ask(await open(proxy.port))).toBe('two');
  expect(await ask(fourth)).toBe('one');
  for (const opened of [second, third]) opened.destroy();
});
