import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRevocations, type Revocations } from '../../src/identity/revocations.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { createAdminServer } from '../../src/transport/admin.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

const json = { 'content-type': 'application/json' };

async function serve(changes: Partial<Revocations> = {}) {
  const log = createCollectingLog();
  const metrics = createMetrics({ upstreams: () => ({}) });
  const revocations = {
    ...createRevocations({ clock: systemClock, log, keepSeconds: 60 }),
    ...changes,
  };
  const server = createAdminServer({
    metrics,
    readiness: () => ({ ready: true, reasons: [] }),
    revocations,
    log,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: TCP
  const url = `http://127.0.0.1:${port}/revocations`;
  return {
    url,
    port,
    log,
    revocations,
    post: async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json) => {
      const response = await fetch(url, { method: 'POST', headers, body });
      return { status: response.status, body: await response.json() };
    },
    [Symbol.asyncDispose]: async () => {
      metrics.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('POST /revocations', () => {
  it('makes one, answers 201 with it, and GET lists it', async () => {
    await using admin = await serve();
    const { status, body } = await admin.post('{"subject":"user-1","client":"web"}');
    expect(status).toBe(201);
    expect(body).toEqual({
      subject: 'user-1',
      tenant: null,
      client: 'web',
      atSeconds: expect.any(Number),
      untilSeconds: body.atSeconds + 60,
    });
    expect(Math.abs(body.atSeconds - Date.now() / 1000)).toBeLessThan(10);
    expect(await (await fetch(admin.url)).json()).toEqual({ revocations: [body] });
    expect(
      (await admin.post('{"tenant":"north"}', { 'content-type': 'application/json; charset=UTF-8' })).status,
    ).toBe(201);
  });

  it.each([
    ['{', /JSON in UTF-8/],
    ['', /JSON in UTF-8/],
    [Uint8Array.of(0x22, 0xff, 0x22), /JSON in UTF-8/],
    ['{"subject":"user-1","subject":"user-2"}', /each member of it once/],
    ['null', /got null/],
    ['[]', /got a list/],
    ['{}', /at least one of "subject", "tenant", "client", got none of them/],
    ['{"user":"user-1"}', /got the member "user"/],
    ['{"subject":""}', /^Request body: subject: expected text of 1 to 512 characters/],
  ])('refuses %s with 400, and says what was expected', async (text, message) => {
    await using admin = await serve();
    const { status, body } = await admin.post(text);
    expect(status).toBe(400);
    expect(body).toEqual({ error: { code: 'BAD_REQUEST', message: expect.stringMatching(message) } });
    expect(admin.revocations.list()).toEqual([]);
  });

  it.each([
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [{ 'content-type': 'application/json; charset=latin1' }, 415],
    [{ 'content-type': 'application/jsonx' }, 415],
    [{ ...json, origin: 'http://127.0.0.1:4001' }, 403],
    [{ ...json, origin: 'null' }, 403],
  ])('refuses %j, as a page can send it, with %d', async (headers, status) => {
    await using admin = await serve();
    expect((await admin.post('{"subject":"user-1"}', headers)).status).toBe(status);
    expect(admin.revocations.list()).toEqual([]);
  });

  it.each([
    [16_383, 201],
    [16_384, 201],
    [16_385, 413],
  ])('answers a body of %d bytes with %d', async (bytes, status) => {
    await using admin = await serve();
    expect((await admin.post('{"subject":"user-1"}'.padEnd(bytes))).status).toBe(status);
  });

  it('cuts off a body that grows past the bound without an end', async () => {
    await using admin = await serve();
    const post = request({ port: admin.port, path: '/revocations', method: 'POST', headers: json });
    post.on('error', () => {});
    post.write('x'.repeat(16_385));
    const [response] = await once(post, 'response');
    expect(response.statusCode).toBe(413);
    post.destroy();
  });

  it('answers a fault of our own with 500, logs it once and shows nothing of it', async () => {
    await using admin = await serve({ revoke: () => Promise.reject(new Error('CANARY')) });
    const response = await fetch(admin.url, { method: 'POST', headers: json, body: '{"subject":"user-1"}' });
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('internal error\n');
    expect(admin.log.lines).toMatchObject([{ level: 'error' }]);
  });
});
