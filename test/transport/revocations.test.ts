import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { createBudgetPolicy, createGateway, createLog } from '../../src/index.ts';
import { busyMs } from '../kit/busy.ts';
import { openSubscriber } from '../kit/events/raw-subscriber.ts';
import { buildEventSchema } from '../kit/events/schema.ts';
import { type RedisServer, startRedisServer } from '../kit/redis-server.ts';
import {
  type Subscribe,
  type Subscriber,
  subscribeBySingleSse,
  subscribeBySse,
  subscribeByWs,
} from '../kit/subscriber.ts';
import { post } from '../kit/tiny-gateway.ts';

interface Instance {
  readonly url: string;
  readonly adminUrl: string;
  readonly close: () => Promise<void>;
}

const wealth = { limitPoints: 1_000_000_000, restorePerSecond: 1_000_000 };
const query = 'subscription { log { number } }';

let opened: AsyncDisposableStack;
let redis: RedisServer;
beforeEach(async () => {
  opened = new AsyncDisposableStack();
  redis = opened.use(await startRedisServer());
});
afterEach(() => opened.disposeAsync());

async function startInstance(redisUrl = redis.url): Promise<Instance> {
  const gateway = createGateway(
    {
      schema: buildEventSchema({ executions: 0 }),
      upstreams: {},
      server: { port: 0, adminPort: 0 },
      redis: { url: redisUrl },
      realtime: { drainWindowMs: 0 },
      policy: createBudgetPolicy({ principal: wealth, anonymous: wealth, operationLimitPoints: 1_000_000 }),
    },
    { log: createLog('silent') },
  );
  const instance = { ...(await gateway.start()), close: gateway.close };
  opened.defer(gateway.close);
  return instance;
}

/** A token of this moment, or of so many seconds later. */
function tokenOf(sub: string, laterSeconds = 0, claims = {}): Promise<string> {
  const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + laterSeconds * 1000 };
  return signDevelopmentToken({ sub, issuer: 'weir-development', audience: 'weir', claims }, clock);
}

async function revoke({ adminUrl }: Instance, filter: object) {
  const response = await fetch(`${adminUrl}/revocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(filter),
  });
  return { status: response.status, body: await response.json() };
}

/** What a query is answered with this token: 200, or the status with the reason. */
async function statusOf({ url }: Instance, token: string): Promise<string> {
  const { status, json } = await post(url, { query: '{ executions }' }, { authorization: `Bearer ${token}` });
  const [error] = json.errors ?? [];
  return error ? `${status} ${error.extensions.code} ${error.extensions['reason']}` : String(status);
}

const refused = '401 UNAUTHENTICATED REVOKED';

/** A subscription over multipart, as Apollo's clients ask for it. */
async function subscribeByMultipart(url: string, token: string) {
  const leaving = new AbortController();
  opened.defer(() => leaving.abort());
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'multipart/mixed;subscriptionSpec="1.0"',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query }),
    signal: leaving.signal,
  });
  const body = response.body?.pipeThrough(new TextDecoderStream());
  let text = '';
  const read = async () => {
    for await (const chunk of body ?? []) text += chunk;
    return text;
  };
  // Aborted when the test is over; what it says by then is no matter.
  return { text: () => text, ended: read().catch(() => text) };
}

const clients = { ws: subscribeByWs, sse: subscribeBySse, single: subscribeBySingleSse };

/** Everything that one user has open at one instance. */
async function openAll(instance: Instance, token: string) {
  const open = async (by: Subscribe): Promise<Subscriber> => {
    const subscriber = opened.use(by(instance.url, { query, token }));
    await subscriber.live;
    return subscriber;
  };
  const { ws, sse, single } = clients;
  return {
    ws: await open(ws),
    sse: await open(sse),
    single: await open(single),
    multipart: await subscribeByMultipart(instance.url, token),
  };
}

const error = { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'revoked' } }] };

/** Milliseconds from the call until all of them are at their end, as their clients see it. */
async function endsOf({ ws, sse, single, multipart }: Awaited<ReturnType<typeof openAll>>) {
  const [closed, , , text] = await Promise.all([ws.ended, sse.ended, single.ended, multipart.ended]);
  expect(closed).toMatchObject({ code: 4401, reason: 'Token revoked' });
  expect(sse.received.at(-1)).toMatchObject(error);
  expect(single.received.at(-1)).toMatchObject(error);
  expect(text).toMatch(/"code":"UNAUTHENTICATED","reason":"revoked".*--graphql--\r\n$/s);
}

async function metricOf({ adminUrl }: Instance, name: string): Promise<readonly string[]> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(name));
}

describe('a revocation', () => {
  it('ends what was opened with a token of the user on all transports of both instances within 1 s, and nothing else', async () => {
    const [one, other] = [await startInstance(), await startInstance()];
    const [token, foreign] = [await tokenOf('user-1'), await tokenOf('user-2')];
    const theirs = [await openAll(one, token), await openAll(other, token)];
    const spared = [await openAll(one, foreign), await openAll(other, foreign)];
    const late = await tokenOf('user-1', 5);
    const renewed = opened.use(subscribeByWs(other.url, { query, token: late }));
    await renewed.live;
    expect(await statusOf(other, token)).toBe('200');
    const startMs = performance.now();
    const { status, body } = await revoke(one, { subject: 'user-1' });
    expect(status).toBe(201);
    await Promise.all(theirs.map(endsOf));
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeLessThan(1000 + busyMs);
    for (const instance of [one, other]) {
      expect(await statusOf(instance, token)).toBe(refused);
      expect(await statusOf(instance, late)).toBe('200');
      expect(await statusOf(instance, foreign)).toBe('200');
      expect(await metricOf(instance, 'weir_revocations ')).toEqual(['weir_revocations 1']);
      expect((await metricOf(instance, 'weir_subscription_ends_total')).toSorted()).toEqual(
        ['multipart', 'sse', 'sse-single', 'ws'].map(
          (transport) => `weir_subscription_ends_total{transport="${transport}",reason="revoked"} 1`,
        ),
      );
      const listed = await (await fetch(`${instance.adminUrl}/revocations`)).json();
      expect(listed).toEqual({ revocations: [body] });
    }
    // Who was not meant goes on: all of them get the next event.
    await post(one.url, { query: 'mutation { publish(feed: "log", first: 1, count: 1, bytes: 10) }' });
    const going = [renewed, ...spared.flatMap(({ ws, sse, single }) => [ws, sse, single])];
    for (const subscriber of going)
      expect((await subscriber.next()).data).toMatchObject({ log: { number: 1 } });
    for (const { multipart } of spared)
      await vi.waitFor(() => expect(multipart.text()).toContain('"number":1'));
  });

  it('of a tenant ends its hundreds of connections to both instances within 1 s', async () => {
    const instances = [await startInstance(), await startInstance()];
    const ended = { north: 0, south: 0 };
    const transports = ['ws', 'sse'] as const;
    const open = async (tenant: keyof typeof ended, at: number) => {
      const subscriber = await openSubscriber({
        transport: transports[at % 2] ?? 'ws',
        url: new URL(instances[(at >> 1) % 2]?.url ?? ''),
        query,
        token: await tokenOf(`user-${at}`, 0, { tenant }),
        onData: () => {},
        onClose: () => {
          ended[tenant] += 1;
        },
      });
      opened.defer(subscriber.close);
    };
    const crowd = 300;
    for (let at = 0; at < crowd; at += 1) await open('north', at);
    for (let at = 0; at < 10; at += 1) await open('south', at);
    const [one] = instances;
    const startMs = performance.now();
    expect((await revoke(one ?? (await startInstance()), { tenant: 'north' })).status).toBe(201);
    await vi.waitUntil(() => ended.north === crowd, { timeout: 5000, interval: 5 });
    expect(performance.now() - startMs).toBeLessThan(1000 + busyMs);
    expect(ended.south).toBe(0);
  });

  it('refuses the token also for what is opened afterwards, on every transport', async () => {
    const instance = await startInstance('');
    const token = await tokenOf('user-1');
    await revoke(instance, { subject: 'user-1' });
    const ws = opened.use(subscribeByWs(instance.url, { query, token }));
    expect(await ws.ended).toMatchObject({ code: 4401 });
    for (const by of [subscribeBySse, subscribeBySingleSse])
      expect(String(await opened.use(by(instance.url, { query, token })).ended)).toMatch(/401|Unauthorized/);
  });

  it('is known to an instance that starts afterwards, to one that was away, and to a Redis that lost all', async () => {
    const one = await startInstance();
    const token = await tokenOf('user-1');
    expect((await revoke(one, { subject: 'user-1' })).status).toBe(201);
    const late = await startInstance();
    expect(await statusOf(late, token)).toBe(refused);
    await redis.kill();
    const away = await startInstance();
    expect(await statusOf(away, token)).toBe('200');
    expect(await statusOf(late, token)).toBe(refused);
    const { status, body } = await revoke(late, { subject: 'user-2' });
    expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'UPSTREAM_UNAVAILABLE' });
    expect(body.error.message).toContain('Send it again');
    expect(await statusOf(late, await tokenOf('user-2'))).toBe('200');
    // Empty: who knows tells it.
    await redis.start();
    await vi.waitFor(async () => expect(await statusOf(away, token)).toBe(refused), { timeout: 10_000 });
    expect((await revoke(late, { subject: 'user-2' })).status).toBe(201);
    const other = await tokenOf('user-2');
    await vi.waitFor(async () => expect(await statusOf(away, other)).toBe(refused), {
      timeout: 1000 + busyMs,
    });
  });

  it('is refused by an instance whose Redis does not answer, retryably and before the caller gives up', async () => {
    const one = await startInstance();
    redis.pause();
    try {
      const startMs = performance.now();
      const { status, body } = await revoke(one, { tenant: 'north' });
      expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'UPSTREAM_UNAVAILABLE' });
      expect(performance.now() - startMs).toBeLessThan(4500);
      await vi.waitFor(
        async () => {
          const [line = ''] = await metricOf(one, 'weir_revocations_unconfirmed_seconds ');
          expect(Number(line.split(' ')[1])).toBeGreaterThan(2);
        },
        { timeout: 10_000 },
      );
    } finally {
      redis.resume();
    }
    await vi.waitFor(async () => expect((await revoke(one, { tenant: 'north' })).status).toBe(201), {
      timeout: 10_000,
    });
  });

  it('is made by weir revoke', async () => {
    const instance = await startInstance('');
    const token = await tokenOf('user-1');
    const text: string[] = [];
    const host = {
      environment: {},
      out: (line: string) => void text.push(line),
      err: (line: string) => void text.push(line),
      stopped: () => Promise.resolve(),
    };
    const words = ['revoke', '--subject', 'user-1', '--admin', instance.adminUrl];
    expect(await runCommand(words, host)).toBe(0);
    expect(text.join('')).toMatch(/^revoked subject user-1: tokens issued up to \d{4}-\S+Z are refused/);
    expect(await statusOf(instance, token)).toBe(refused);
  });
});
