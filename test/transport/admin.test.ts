import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRevocations } from '../../src/identity/revocations.ts';
import { createLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { type AdminOptions, createAdminServer } from '../../src/transport/admin.ts';
import type { Readiness } from '../../src/transport/readiness.ts';

const ready: Readiness = { ready: true, reasons: [] };

async function serveAdmin(changes: Partial<AdminOptions> = {}) {
  const metrics = createMetrics({ upstreams: () => ({}) });
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const revocations = createRevocations({ clock: systemClock, log, keepSeconds: 60 });
  const server = createAdminServer({ metrics, readiness: () => ready, revocations, log, ...changes });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: TCP
  return {
    port,
    lines,
    metrics,
    fetch: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init),
    [Symbol.asyncDispose]: async () => {
      metrics.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What the server says to bytes that are no proper request, until it closes the connection. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

describe('createAdminServer()', () => {
  it('is alive while it can answer, also when it is not ready', async () => {
    await using admin = await serveAdmin({ readiness: () => ({ ready: false, reasons: ['draining'] }) });
    const response = await admin.fetch('/livez');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('ok\n');
  });

  it.each([
    [200, ready],
    [200, { ready: true, reasons: ['upstream "things" is failing'] }],
    [503, { ready: false, reasons: ['draining'] }],
  ])('answers /readyz with %d when readiness is %j', async (status, readiness) => {
    await using admin = await serveAdmin({ readiness: () => readiness });
    const response = await admin.fetch('/readyz');
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual(readiness);
  });

  it('asks for readiness at each request', async () => {
    let readiness = ready;
    await using admin = await serveAdmin({ readiness: () => readiness });
    expect((await admin.fetch('/readyz')).status).toBe(200);
    readiness = { ready: false, reasons: ['draining'] };
    expect((await admin.fetch('/readyz')).status).toBe(503);
  });

  it('serves the metrics as Prometheus reads them', async () => {
    await using admin = await serveAdmin();
    admin.metrics.operation({
      variant: 'web',
      type: 'query',
      outcome: 'ok',
      codes: [],
      durationMs: 1,
      price: undefined,
      deprecated: undefined,
      timeline: undefined,
    });
    const response = await admin.fetch('/metrics?anything=1');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(admin.metrics.contentType);
    const body = await response.text();
    expect(body).toContain('weir_operations_total{variant="web",type="query",outcome="ok"} 1\n');
    expect(body).toContain('process_resident_memory_bytes');
    for (const line of body.trim().split('\n'))
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) .+|[a-z_][a-z_\d]*(?:\{.+\})? -?[\d.e+-]+|)$/);
  });

  it.each(['/livez', '/readyz', '/metrics', '/revocations'])(
    'answers HEAD of %s as GET, without a body',
    async (path) => {
      await using admin = await serveAdmin();
      const [get, head] = await Promise.all([admin.fetch(path), admin.fetch(path, { method: 'HEAD' })]);
      expect(head.status).toBe(get.status);
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
      expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0);
      expect(await head.text()).toBe('');
    },
  );

  it.each([
    ['/', 'GET', 404],
    ['/graphql', 'POST', 404],
    ['/livez/', 'GET', 404],
    ['/LIVEZ', 'GET', 404],
    ['//metrics', 'GET', 404],
    ['/constructor', 'GET', 404],
    ['/livez', 'POST', 405],
    ['/readyz', 'PUT', 405],
    ['/metrics', 'DELETE', 405],
    ['/metrics', 'OPTIONS', 405],
    ['/revocations', 'DELETE', 405],
    ['/revocations', 'PUT', 405],
  ])('refuses %s by %s with %d', async (path, method, status) => {
    await using admin = await serveAdmin();
    const response = await admin.fetch(path, { method });
    expect(response.status).toBe(status);
    const methods = path === '/revocations' ? 'GET, HEAD, POST' : 'GET, HEAD';
    expect(response.headers.get('allow')).toBe(status === 405 ? methods : null);
  });

  it.each([
    ['/livez', 200],
    ['/readyz', 200],
    ['/metrics', 200],
    ['/revocations', 200],
    ['/nothing', 404],
  ])('lets nobody keep the answer of %s, and tells nothing of its software', async (path, status) => {
    await using admin = await serveAdmin();
    const { headers, status: given } = await admin.fetch(path);
    expect(given).toBe(status);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('connection')).toBe('close');
    expect(headers.get('server') ?? headers.get('x-powered-by')).toBeNull();
  });

  it('logs a fault once and shows nothing of it', async () => {
    const failing = { contentType: 'text/plain', text: () => Promise.reject(new Error('CANARY')) };
    await using admin = await serveAdmin({
      metrics: failing,
      readiness: () => {
        throw new Error('CANARY');
      },
    });
    for (const path of ['/metrics', '/readyz']) {
      const response = await admin.fetch(path);
      expect(response.status).toBe(500);
      expect(await response.text()).toBe('internal error\n');
    }
    expect(admin.lines).toHaveLength(2);
    expect(admin.lines.join('')).toContain('CANARY');
  });

  it('answers before a body that never ends, and closes the connection', async () => {
    await using admin = await serveAdmin();
    const post = request({ port: admin.port, path: '/livez', method: 'POST' });
    post.on('error', () => {});
    post.write('x');
    const [response] = await once(post, 'response');
    expect(response.statusCode).toBe(405);
    await text(response);
    post.destroy();
  });

  it.each([
    [8000, '200'],
    [8192, '431'],
  ])('answers %d bytes of headers with %s', async (bytes, status) => {
    await using admin = await serveAdmin();
    const answer = await send(
      admin.port,
      `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(bytes)}\r\n\r\n`,
    );
    expect(answer.split(' ')[1]).toBe(status);
  });

  it('cuts off who does not finish its headers', async () => {
    await using admin = await serveAdmin();
    expect(await send(admin.port, 'GET /livez HTTP/1.1\r\nhost: x\r\n')).toMatch(/^HTTP\/1.1 408 /);
  });

  it('serves 64 connections at a time and closes further ones', async () => {
    await using admin = await serveAdmin();
    const sockets = Array.from({ length: 64 }, () => connect(admin.port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const [first] = sockets;
    const further = connect(admin.port, '127.0.0.1').on('error', () => {});
    await once(further, 'close');
    first?.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(first && (await text(first))).toMatch(/^HTTP\/1.1 200 /);
    expect((await admin.fetch('/livez')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});
