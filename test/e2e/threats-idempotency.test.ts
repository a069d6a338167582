import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createMemoryStore } from '../../src/guard/budget/memory-store.ts';
import { createRedisStore as createRedisBudgets } from '../../src/guard/budget/redis-store.ts';
import { createRedisStore as createRedisKeys } from '../../src/idempotency/redis-store.ts';
import { storedAnswerFrom } from '../../src/idempotency/stored-answer.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { createIdentify } from '../../src/identity/identify.ts';
import { createBudgetPolicy, encodeNodeId } from '../../src/index.ts';
import { requestOf, tierOf } from '../guard/budget/tiers.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { type Shop, startShop } from '../kit/shop.ts';

/** Points that come back so slowly that no test sees one. */
const restorePerSecond = 0.001;
const hourMs = 3_600_000;

let redis: TestRedis;
let client: Redis;
let shop: Shop;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  shop = await startShop({
    environment: { REDIS_URL: redis.url, WEIR_BUDGET_MODE: 'enforce' },
    policy: createBudgetPolicy({
      principal: { limitPoints: 1000, restorePerSecond },
      anonymous: { limitPoints: 100, restorePerSecond },
      tenant: { limitPoints: 300, restorePerSecond },
    }),
  });
}, 120_000);

afterAll(async () => {
  await shop?.close();
  client?.disconnect();
  await redis?.stop();
});

/** Every test has full budgets. */
beforeEach(() => client.flushall());
afterEach(() => shop.faults.clear());

interface Asked {
  readonly url?: string;
  readonly sub?: string | null;
  readonly scope?: string;
  readonly tenant?: string;
  readonly query?: string;
  readonly variables?: object;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly localAddress?: string;
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly text: string;
  readonly isReplayed: boolean;
  /** Points left of the caller's own budget, as `RateLimit` tells it. */
  readonly left: number;
}

const line = { product: encodeNodeId('Product', 'product-31'), quantity: 1 };
const submit = `mutation Submit($input: SubmitOrderInput!, $all: Boolean! = true) { submitOrder(input: $input) {
  __typename ... on OrderSubmitted @include(if: $all) { order { id state } } } }`;
const submitted = { input: { lines: [line], note: 'threat' } };

/** Submits an order as user-1, unless it says otherwise; by hand, so that headers are sent as they stand. */
async function ask(asked: Asked = {}): Promise<Answer> {
  const { url = shop.url, sub = 'user-1', scope, tenant, headers = {}, localAddress, signal } = asked;
  const { query = submit, variables = submitted } = asked;
  const token = sub === null ? undefined : await tokenOf(sub, scope, tenant);
  const sent = request(url, {
    method: 'POST',
    ...(localAddress !== undefined && { localAddress }),
    ...(signal && { signal }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, toSent(value)])),
    },
  });
  sent.end(JSON.stringify({ query, variables }));
  const [response] = await once(sent, 'response');
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return {
    status: response.statusCode,
    code: JSON.parse(text).errors?.[0]?.extensions.code,
    text,
    isReplayed: response.headers['idempotent-replayed'] === 'true',
    left: Number(/r=(\d+)/.exec(response.headers['ratelimit'] ?? '')?.[1]),
  };
}

const toSent = (value: string | readonly string[]): string | string[] =>
  typeof value === 'string' ? value : [...value];

function tokenOf(sub: string, scope = '', tenant?: string): Promise<string> {
  const claims = { ...(tenant !== undefined && { tenant }), jti: randomUUID() };
  return signDevelopmentToken(
    { sub, issuer: 'weir-development', audience: 'weir', scope, claims },
    systemClock,
  );
}

const withKey = (key: string): Asked => ({ headers: { 'idempotency-key': key } });

/** How many orders came of `work`, whoever's. */
async function effectsOf(work: () => Promise<unknown>): Promise<number> {
  const count = async () => {
    const [row] = await shop.store.query<{ count: number }>('SELECT count(*)::int AS count FROM orders', []);
    return row?.count ?? 0;
  };
  const before = await count();
  await work();
  return (await count()) - before;
}

describe('a key of somebody else', () => {
  it('137: is another key of another user, of another tenant, and of nobody', async () => {
    const key = withKey(randomUUID());
    const answers: Answer[] = [];
    const effects = await effectsOf(async () => {
      answers.push(await ask(key));
      answers.push(await ask({ ...key, sub: 'user-2' }));
      answers.push(await ask({ ...key, tenant: 'acme' }));
    });
    // The shop knows no tenants: what one account asks for by one key it does once, whoever vouches for the account.
    expect(effects).toBe(2);
    expect(answers.map(({ status, isReplayed }) => [status, isReplayed])).toEqual(
      Array(3).fill([200, false]),
    );
    expect(answers[1]?.text).not.toBe(answers[0]?.text);
    expect(await client.keys('weir:idempotency:*')).toHaveLength(3);
    const nobody = await ask({ ...key, sub: null });
    expect(nobody).toMatchObject({ isReplayed: false, code: 'UNAUTHENTICATED' });
    expect(await ask(key)).toMatchObject({ isReplayed: true, text: answers[0]?.text });
  });
});

describe('a key that is none', () => {
  const good = '0123456789abcdef';
  it.each<[string, string | readonly string[]]>([
    ['an empty one', ''],
    ['an empty text', '""'],
    ['one of 15 characters', good.slice(1)],
    ['one of 256', 'x'.repeat(256)],
    ['one with spaces', '0123 4567 89ab cdef'],
    ['one of other bytes than ASCII', 'schl\u00fcssel-0123456789'],
    ['one with a tab', '0123456789\tabcdef'],
    ['two of them', [good, `${good}x`]],
    ['the same twice', [good, good]],
    ['a text without its end', `"${good}`],
    ['a text with more behind it', `"${good}"x`],
    ['a text with parameters', `"${good}";a=1`],
  ])('138: %s is refused with 400, and nothing is done', async (_what, key) => {
    const effects = await effectsOf(async () => {
      const refused = await ask({ headers: { 'idempotency-key': key } });
      expect(refused).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_INVALID' });
      expect(refused.text).not.toContain('89ab');
    });
    expect(effects).toBe(0);
  });

  it.each([good, 'x'.repeat(255), `"${good}"`])('138: %j is one', async (key) => {
    expect(await ask(withKey(key))).toMatchObject({ status: 200, code: undefined });
  });
});

describe('a key that was used', () => {
  const profile = 'mutation { updateProfile(input: { displayName: "One" }) { user { id } } }';
  it.each<[string, Asked]>([
    ['another mutation', { query: profile, variables: {} }],
    ['other variables', { variables: { input: { ...submitted.input, note: 'other' } } }],
    ['another value of what has a default', { variables: { ...submitted, all: false } }],
  ])('139: is refused with 422 for %s', async (_what, other) => {
    const key = withKey(randomUUID());
    const effects = await effectsOf(async () => {
      expect(await ask(key)).toMatchObject({ status: 200 });
      expect(await ask({ ...key, ...other })).toMatchObject({
        status: 422,
        code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
      });
    });
    expect(effects).toBe(1);
  });

  it.each<[string, object]>([
    [
      'members in another order',
      { input: { note: 'threat', lines: [{ quantity: 1, product: line.product }] } },
    ],
    ['a default that is written out', { all: true, input: { lines: [line], note: 'threat' } }],
  ])('139: is answered again for %s', async (_what, variables) => {
    const key = withKey(randomUUID());
    const effects = await effectsOf(async () => {
      const { text } = await ask(key);
      expect(await ask({ ...key, variables })).toMatchObject({ status: 200, isReplayed: true, text });
    });
    expect(effects).toBe(1);
  });
});

describe('a key where none is looked at', () => {
  const prices = `subscription { priceChanged(product: "${encodeNodeId('Product', 'product-1')}") { product { id } } }`;

  it('141: is ignored with a query, good or bad, and never answered again', async () => {
    for (const key of [randomUUID(), 'x', '"', '']) {
      const answer = await ask({ ...withKey(key), query: '{ __typename }', variables: {} });
      expect(answer).toMatchObject({ status: 200, isReplayed: false });
    }
    const key = withKey(randomUUID());
    for (const query of ['{ __typename }', '{ other: __typename }'])
      expect(await ask({ ...key, query, variables: {} })).toMatchObject({ status: 200, isReplayed: false });
  });

  it('141: is ignored with a subscription', async () => {
    for (const key of [randomUUID(), 'x']) {
      const leaving = new AbortController();
      const { status, headers } = await fetch(shop.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          // Of somebody whom no other test asks for: what it leaves is settled later.
          authorization: `Bearer ${await tokenOf('user-9')}`,
          'idempotency-key': key,
        },
        body: JSON.stringify({ query: prices }),
        signal: leaving.signal,
      });
      leaving.abort();
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('text/event-stream');
      expect(headers.get('idempotent-replayed')).toBeNull();
    }
    expect(await client.keys('weir:idempotency:*')).toEqual([]);
  });
});

describe('a caller who looks like many', () => {
  /** What is left after each of some questions of one point. */
  async function leftAfter(questions: readonly Asked[]): Promise<readonly number[]> {
    const left: number[] = [];
    for (const question of questions)
      left.push((await ask({ query: '{ __typename }', variables: {}, ...question })).left);
    return left;
  }

  it('143: has one budget under every header that names another address', async () => {
    const names = [
      'x-forwarded-for',
      'forwarded',
      'x-real-ip',
      'cf-connecting-ip',
      'true-client-ip',
      'x-client-ip',
    ];
    const spoofed = names.map((name, index): Asked => {
      const value = name === 'forwarded' ? `for=203.0.113.${index}` : `203.0.113.${index}`;
      return { sub: null, headers: { [name]: value } };
    });
    expect(await leftAfter([{ sub: null }, ...spoofed])).toEqual([99, 98, 97, 96, 95, 94, 93]);
  });

  // Only Linux gives a process all of 127.0.0.0/8 to send from.
  it.runIf(process.platform === 'linux')('143: has one budget at all addresses of its network', async () => {
    // Not that of the test before: a caller in a hurry has leased points, which `flushall` does not take away.
    const addresses = ['127.0.2.1', '127.0.2.2', '127.0.2.77', '127.0.2.255'];
    const near = addresses.map((localAddress): Asked => ({ sub: null, localAddress }));
    expect(await leftAfter(near)).toEqual([99, 98, 97, 96]);
    expect(await leftAfter([{ sub: null, localAddress: '127.0.3.1' }])).toEqual([99]);
  });

  it('143: has one budget in a walk through its /64', async () => {
    const identify = createIdentify(undefined);
    const policyFor = createBudgetPolicy({ anonymous: { limitPoints: 100, restorePerSecond } });
    const store = createMemoryStore({ clock: systemClock });
    let admitted = 0;
    for (let host = 0; host < 1000; host += 1) {
      const address = `2001:db8:0:7:${(host * 7919).toString(16).padStart(4, '0').slice(-4)}::${host.toString(16)}`;
      const caller = await identify({ authorization: undefined, address });
      const answer = await store.reserve(requestOf(policyFor(caller, 'web').tiers, 1));
      if (answer.kind === 'admitted') admitted += 1;
    }
    expect(admitted).toBe(100);
    await store.close();
  });

  it('143: has one budget with every token of its subject, whatever their scopes', async () => {
    const scopes = ['', 'orders:read', 'orders:read users:read', 'chat:read'];
    expect(await leftAfter(scopes.map((scope): Asked => ({ sub: 'rotating', scope })))).toEqual([
      999, 998, 997, 996,
    ]);
  });

  it('143: shares one budget with all users of its tenant', async () => {
    const users = Array.from({ length: 320 }, (_, index) => `made-${index}`);
    const answers = await Promise.all(
      users.map((sub) => ask({ sub, tenant: 'acme', query: '{ __typename }', variables: {} })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(300);
    expect(answers.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(20);
  });
});

describe('a clock that is an hour off', () => {
  it.each([-hourMs, hourMs])(
    '144: by %i ms on one instance gives nobody a point or a claim',
    async (offMs) => {
      const tier = tierOf({ limitPoints: 100, restorePerSecond: 1 });
      await createRedisBudgets({ redis: client }).reserve(requestOf([tier], 100));
      const keys = createRedisKeys({ redis: client });
      const fingerprint = 'f'.repeat(64);
      const claimOf = (id: string, token: string) => ({ id, fingerprint, token, isRepeatable: true });
      await keys.claim(claimOf('running', 'one'));
      await keys.claim(claimOf('done', 'one'));
      const answer = storedAnswerFrom('{"data":{}}');
      await keys.complete({ id: 'done', fingerprint, token: 'one', attempt: 1 }, answer);
      vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() + offMs });
      try {
        const refused = await createRedisBudgets({ redis: client }).reserve(requestOf([tier], 50));
        if (refused.kind !== 'wait') throw new Error(`It was ${refused.kind}.`);
        expect(refused.waitMs).toBeGreaterThan(45_000);
        expect(refused.waitMs).toBeLessThanOrEqual(50_000);
        const others = createRedisKeys({ redis: client });
        expect(await others.claim(claimOf('running', 'two'))).toMatchObject({ kind: 'running' });
        expect(await others.claim(claimOf('done', 'two'))).toEqual({ kind: 'done', answer });
      } finally {
        vi.useRealTimers();
      }
    },
  );
});

describe('a refund', () => {
  /** 1 point for each order, and 1 for each customer. */
  const page = '{ orders(first: 20) { edges { node { customer { displayName } } } } }';
  const asked: Asked = { sub: 'refunded', scope: 'orders:read', query: page, variables: {} };
  const peek: Asked = { sub: 'refunded', query: '{ __typename }', variables: {} };
  const customers = () => shop.calls.filter((call) => call === 'UserService/BatchGetUsers').length;

  it('146: is never more than was not done by an operation that its client left', async () => {
    const before = customers();
    shop.faults.set('UserService/BatchGetUsers', { delayMs: 3000, times: 1 });
    const leaving = new AbortController();
    const left = ask({ ...asked, signal: leaving.signal }).catch((error: Error) => error.name);
    await expect.poll(customers).toBe(before + 1);
    // The whole estimate is taken while it runs.
    expect((await ask(peek)).left).toBe(1000 - 41 - 1);
    leaving.abort();
    expect(await left).toBe('AbortError');
    // The orders were read: they stay paid, and so does what their price had with them.
    await expect.poll(async () => (await ask(peek)).left >= 1000 - 41).toBe(false);
    const after = (await ask(peek)).left;
    expect(after).toBeLessThanOrEqual(1000 - 21);
  });

  it('146: is never more than was not done by an operation that fails early', async () => {
    shop.faults.set('UserService/BatchGetUsers', { code: 'INTERNAL', times: 1 });
    const failed = await ask(asked);
    expect(failed.code).toBe('INTERNAL_SERVER_ERROR');
    expect(failed.left).toBeLessThanOrEqual(1000 - 21);
    expect(failed.left).toBeGreaterThanOrEqual(1000 - 41);
  });

  it('146: leaves the least price of an operation that did nothing', async () => {
    shop.faults.set('OrderService/ListOrders', { code: 'INTERNAL', times: 1 });
    const failed = await ask(asked);
    expect(failed.code).toBe('INTERNAL_SERVER_ERROR');
    expect(failed.left).toBeLessThanOrEqual(999);
  });
});

describe('500 at once at the edge of a budget', () => {
  it('147: as many are admitted as there are points, at two instances together', async () => {
    const { url } = await shop.addGateway();
    // It keeps books of its own until it has reached Redis.
    await vi.waitFor(async () => {
      await ask({ sub: 'warms-up', query: '{ __typename }', variables: {}, url });
      expect((await client.keys('*')).filter((key) => key.includes('warms-up'))).not.toEqual([]);
    });
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        ask({ sub: null, query: '{ __typename }', variables: {}, url: index % 2 === 0 ? url : shop.url }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(100);
    expect(statuses.filter((status) => status === 200).length).toBe(100);
    expect(statuses.filter((status) => status === 429).length).toBe(400);
  });
});

// Last: while it writes so much, the gateway may take its store of budgets for slow, and keep books of its own for a while.
describe('an answer of 8 MiB', () => {
  it('142: is told by its size and digest when it is asked for again', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const query = `mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) { ... on OrderSubmitted {
      order { lines(first: 100) { product { ${names.map((name) => `${name}: description`).join(' ')} } } } } } }`;
    const ids = Array.from({ length: 90 }, (_, index) => `product-${index + 200}`);
    const lines = ids.map((id) => ({ product: encodeNodeId('Product', id), quantity: 1 }));
    await shop.store.query(
      "UPDATE products SET stock = 1000, description = repeat('x', 19000) WHERE id = ANY($1)",
      [ids],
    );
    const asked: Asked = { ...withKey(randomUUID()), query, variables: { input: { lines } } };
    const effects = await effectsOf(async () => {
      const first = await ask(asked);
      expect(first).toMatchObject({ status: 200, code: undefined });
      expect(first.text.length).toBeGreaterThan(8 * 1_048_576);
      const again = await ask(asked);
      expect(again).toMatchObject({ status: 409, code: 'IDEMPOTENCY_ANSWER_TOO_LARGE' });
      expect(again.text.length).toBeLessThan(1000);
      expect(JSON.parse(again.text).errors[0].extensions).toMatchObject({
        answerBytes: Buffer.byteLength(first.text),
        answerSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    });
    expect(effects).toBe(1);
    const [kept = ''] = await client.keys('weir:idempotency:*');
    expect(Number(await client.call('MEMORY', 'USAGE', kept))).toBeLessThan(2048);
  });
});
