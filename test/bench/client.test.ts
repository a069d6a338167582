import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, postBytes } from '../../bench/harness/client.ts';

let server: Server;
let url: URL;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/gone') request.socket.destroy();
    else request.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  url = new URL(`http://127.0.0.1:${port}/`);
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('createClient()', () => {
  it('loads each connection until the time is over, and gives a time for each answer', async () => {
    const client = await createClient(url, 4);
    let answers = 0;
    const assertAnswer = () => {
      answers += 1;
    };
    const request = { bytes: postBytes(url, { name: 'é' }), assertAnswer };
    const timesMs = await client.load(() => request, 50);
    client.close();
    expect(timesMs).toHaveLength(answers);
    expect(answers).toBeGreaterThanOrEqual(4);
    expect(Math.min(...timesMs)).toBeGreaterThan(0);
  });

  it('gives the whole body of an answer', async () => {
    const client = await createClient(url, 1);
    const { status, body } = await client.ask({
      bytes: postBytes(url, { name: 'é' }),
      assertAnswer: () => {},
    });
    client.close();
    expect([status, body.toString()]).toEqual([200, '{"name":"é"}']);
  });

  it('fails when an answer is wrong', async () => {
    const client = await createClient(url, 2);
    const assertAnswer = () => {
      throw new Error('a wrong answer');
    };
    await expect(client.load(() => ({ bytes: postBytes(url, {}), assertAnswer }), 50)).rejects.toThrow(
      'wrong',
    );
    client.close();
  });

  it('fails when the server has closed the connection, before a request and within one', async () => {
    const client = await createClient(url, 1);
    const request = { bytes: postBytes(new URL('/gone', url), {}), assertAnswer: () => {} };
    await expect(client.ask(request)).rejects.toThrow('closed the connection');
    await expect(client.ask(request)).rejects.toThrow('closed the connection');
    client.close();
  });
});
