import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { createGateway, StartError } from '../src/index.ts';
import { busyMs } from './kit/busy.ts';
import { codesOf, createCollectingLog, openTinyGateway, post, preflighted } from './kit/tiny-gateway.ts';
import { buildTinySchema, createProbe } from './kit/tiny-schema.ts';
import { serveLibrary } from './kit/tiny-service.ts';
import { openWire } from './transport/wire.ts';

const oneBook = '{ book(id: "Qm9vazo3") { title } }'; // Book:7

describe('createGateway()', () => {
  it('throws a StartError with a line for each fault when the configuration is wrong', () => {
    const config = { schema: tinySchema(), upstreams: { library: { target: '' } }, server: { port: -1 } };
    const create = () => createGateway(config, { environment: { WEIR_NONE: 'x' } });
    expect(create).toThrow(StartError);
    expect(create).toThrow(/^WEIR_NONE: .*\nserver\.port: .*\nupstream "library": target .*$/);
  });

  it('makes a log of its own when it is given none', () => {
    expect(() =>
      createGateway({ schema: tinySchema(), upstreams: {}, log: { level: 'silent' } }),
    ).not.toThrow();
  });

  it('warns of upstreams that answer with rows that nobody asked for', async () => {
    await using tiny = await openTinyGateway();
    tiny.service.behave('getShelves', (_call, reply) =>
      reply(null, {
        rows: [
          { id: '9', label: 'foreign' },
          { id: '1', label: 'Shelf 1' },
        ],
      } as never),
    );
    expect((await tiny.ask('{ shelf { label } }')).json).toEqual({ data: { shelf: { label: 'Shelf 1' } } });
    expect(tiny.log.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ loader: 'shelfById', foreign: 1 }),
      }),
    ]);
  });

  it('warns of an upstream that is in trouble', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const target = `127.0.0.1:${portOf(silent)}`;
    const config = { upstreams: { library: { target, connectTimeoutMs: 50 } } };
    await using tiny = await openTinyGateway(config);
    expect(codesOf(await tiny.ask(oneBook))).toEqual(['UPSTREAM_UNAVAILABLE']);
    expect(tiny.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ kind: 'connectTimeout' }) }),
    );
    silent.close();
  });
});

describe('Gateway.start()', () => {
  it('resolves with the address that answers when the port is 0', async () => {
    await using tiny = await openTinyGateway();
    expect(tiny.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/graphql$/);
    expect((await tiny.ask(oneBook)).json).toEqual({ data: { book: { title: 'Book 7' } } });
  });

  it('writes an IPv6 address as a URL has it', async () => {
    await using tiny = await openTinyGateway({ server: { host: '::1' } });
    expect(tiny.url).toMatch(/^http:\/\/\[::1\]:\d+\/graphql$/);
    expect((await tiny.ask('{ fast }')).status).toBe(200);
  });

  it('rejects with one line that names port and variable when the port is taken', async () => {
    await using tiny = await openTinyGateway();
    const port = Number(new URL(tiny.url).port);
    const late = createGateway({ schema: tinySchema(), upstreams: {}, server: { port } });
    const failure = await late.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect(failure).toMatchObject({
      message: `Port ${port} on 127.0.0.1 is taken: set PORT (server.port) to another.`,
      cause: { code: 'EADDRINUSE' },
    });
    await late.close();
    expect((await tiny.ask('{ fast }')).status).toBe(200);
  });

  it('rejects with one line when the address is not of this machine', async () => {
    const lost = createGateway({
      schema: tinySchema(),
      upstreams: {},
      server: { host: '192.0.2.1', port: 0, adminPort: 0 },
    });
    await expect(lost.start()).rejects.toThrow(
      /^Cannot listen on 192\.0\.2\.1:0 \(EADDRNOTAVAIL\): set HOST and PORT \(server\.host, server\.port\)\.$/,
    );
    await lost.close();
  });
});

describe('Gateway.close()', () => {
  it('lets an operation in flight end, and refuses connections meanwhile', async () => {
    await using tiny = await openTinyGateway();
    let answer = () => {};
    tiny.service.behave('getBooks', (_call, reply) => {
      answer = () => reply(null, { rows: [] } as never);
    });
    const arrived = tiny.service.nextCall('getBooks');
    const asked = tiny.ask(oneBook);
    await arrived;
    const closed = tiny.gateway.close();
    await expect(fetch(tiny.url)).rejects.toThrow();
    answer();
    expect((await asked).json).toEqual({ data: { book: null } });
    await closed;
  });

  it('is the same closing when it is called again, also while it waits', async () => {
    await using tiny = await openTinyGateway();
    let answer = () => {};
    tiny.service.behave('getBooks', (_call, reply) => {
      answer = () => reply(null, { rows: [] } as never);
    });
    const arrived = tiny.service.nextCall('getBooks');
    const asked = tiny.ask(oneBook);
    await arrived;
    const first = tiny.gateway.close();
    const second = tiny.gateway.close();
    answer();
    expect(codesOf(await asked)).toEqual([]); // a second closing that did not wait would have cancelled the call
    await Promise.all([first, second, tiny.gateway.close()]);
  });

  it('cuts off what hangs after closeTimeoutMs and cancels its calls', async () => {
    await using tiny = await openTinyGateway({ limits: { closeTimeoutMs: 150 } });
    tiny.service.behave('getBooks', () => {});
    const arrived = tiny.service.nextCall('getBooks');
    const asked = tiny.ask(oneBook).catch((error: unknown) => error);
    const { cancelled } = await arrived;
    const startedMs = systemClock.nowMs();
    await tiny.gateway.close();
    const tookMs = systemClock.nowMs() - startedMs;
    await cancelled;
    expect(tookMs).toBeGreaterThanOrEqual(145);
    expect(tookMs).toBeLessThan(150 + busyMs);
    expect(await asked).toBeInstanceOf(Error);
  });

  it('does not wait for connections that are kept alive, idle or after their last answer', async () => {
    await using tiny = await openTinyGateway();
    const agent = new Agent({ keepAlive: true });
    await getFast(tiny.url, agent);
    await using idle = await openWire(tiny.url);
    let answer = () => {};
    tiny.service.behave('getBooks', (_call, reply) => {
      answer = () => reply(null, { rows: [] } as never);
    });
    const arrived = tiny.service.nextCall('getBooks');
    await using busy = await openWire(tiny.url);
    busy.send(
      `GET /graphql?query=${encodeURIComponent(oneBook)} HTTP/1.1`,
      'Host: a',
      'GraphQL-Require-Preflight: 1',
      '',
      '',
    );
    await arrived;
    const startedMs = systemClock.nowMs();
    const closed = tiny.gateway.close();
    answer();
    await closed;
    expect(systemClock.nowMs() - startedMs).toBeLessThan(2 * busyMs);
    expect(await busy.closed).toMatch(/{"data":{"book":null}}$/);
    await idle.closed;
    agent.destroy();
  });

  it('ends a gateway that never started', async () => {
    const gateway = createGateway({
      schema: tinySchema(),
      upstreams: { library: { target: '127.0.0.1:1' } },
    });
    await gateway.close();
    await gateway.close();
  });

  it('leaves nothing open', async () => {
    const service = await serveLibrary();
    const baseline = await settledResources();
    const gateway = createGateway(
      {
        schema: tinySchema(),
        upstreams: { library: { target: service.target } },
        server: { port: 0, adminPort: 0 },
      },
      { log: createCollectingLog() },
    );
    const { url } = await gateway.start();
    const headers = { connection: 'close' };
    for (let round = 0; round < 20; round += 1) await post(url, { query: oneBook }, headers);
    expect(process.getActiveResourcesInfo().length).toBeGreaterThan(baseline.length); // negative control
    await gateway.close();
    await expect.poll(settledResources).toEqual(baseline);
    await service[Symbol.asyncDispose]();
  });
});

function tinySchema() {
  return buildTinySchema(createProbe());
}

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  return typeof address === 'object' && address && 'port' in address ? Number(address.port) : 0;
}

async function getFast(url: string, agent: Agent): Promise<void> {
  const [response] = await once(
    httpRequest(`${url}?query={fast}`, { agent, headers: preflighted }).end(),
    'response',
  );
  response.resume();
  await once(response, 'end');
}

/** What keeps the process alive, but for what ends with this turn anyhow. */
async function settledResources(): Promise<readonly string[]> {
  await turn();
  return process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort();
}
