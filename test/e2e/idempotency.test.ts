import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { encodeNodeId } from '../../src/index.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { type Shop, startShop } from '../kit/shop.ts';

let redis: TestRedis;
let client: Redis;
let shop: Shop;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  shop = await startShop({ environment: { REDIS_URL: redis.url, WEIR_BUDGET_MODE: 'enforce' } });
}, 120_000);

afterAll(async () => {
  await shop?.close();
  client?.disconnect();
  await redis?.stop();
});

afterEach(() => shop.faults.clear());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly code: unknown;
}

interface Asked {
  readonly url?: string;
  readonly sub?: string;
  readonly key?: string | undefined;
  readonly query?: string;
  readonly variables?: object;
  readonly extensions?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const line = { product: encodeNodeId('Product', 'product-21'), quantity: 1 };
const submit = `mutation Submit($input: SubmitOrderInput!) { submitOrder(input: $input) {
  __typename ... on OrderSubmitted { order { id state total { amount } } } } }`;

/** Submits an order, unless it says otherwise. */
async function ask(asked: Asked = {}): Promise<Answer> {
  const { url = shop.url, sub = 'user-1', key, query = submit, variables, extensions, headers = {} } = asked;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${await shop.tokenOf(sub)}`,
      ...(key !== undefined && { 'idempotency-key': key }),
      ...headers,
    },
    body: JSON.stringify({ query, variables: variables ?? { input: { lines: [line] } }, extensions }),
  });
  const text = await response.text();
  const code = JSON.parse(text).errors?.[0]?.extensions.code;
  return { status: response.status, headers: response.headers, text, code };
}

const ordersOf = async (sub: string) => {
  const [row] = await shop.store.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM orders WHERE customer_id = $1',
    [sub],
  );
  return row?.count ?? 0;
};

/** How many orders of `sub` came of `work`. */
async function effectsOf(sub: string, work: () => Promise<unknown>): Promise<number> {
  const before = await ordersOf(sub);
  await work();
  return (await ordersOf(sub)) - before;
}

const submits = () => shop.calls.filter((call) => call === 'OrderService/SubmitOrder').length;

describe('a mutation with a key', () => {
  it('is done once, and answered alike to the last byte, with a header that says so', async () => {
    const key = randomUUID();
    const answers: Answer[] = [];
    const effects = await effectsOf('user-1', async () => {
      for (let index = 0; index < 3; index += 1) answers.push(await ask({ key }));
    });
    const [first, ...again] = answers;
    expect(first?.status).toBe(200);
    expect(first?.text).toContain('"OrderSubmitted"');
    expect(first?.headers.get('idempotent-replayed')).toBeNull();
    for (const answer of again) {
      expect(answer.text).toBe(first?.text);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('idempotent-replayed')).toBe('true');
    }
    expect(effects).toBe(1);
  });

  it('is answered alike when a part of it was refused', async () => {
    const key = randomUUID();
    const query = `mutation Both($input: SubmitOrderInput!) {
      submitOrder(input: $input) { ... on OrderSubmitted { order { id } } }
      updateProfile(input: { displayName: "" }) { user { id } } }`;
    const first = await ask({ key, query });
    expect(first.code).toBe('BAD_USER_INPUT');
    const again = await ask({ key, query });
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('costs one point when it is replayed', async () => {
    const key = randomUUID();
    const remaining = ({ headers }: Answer) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
    await ask({ sub: 'user-9', key });
    const before = await ask({ sub: 'user-9', key });
    const after = await ask({ sub: 'user-9', key });
    // Points come back meanwhile, so it may be none.
    expect(remaining(before) - remaining(after)).toBeLessThanOrEqual(1);
    expect(remaining(after)).toBeGreaterThan(0);
  });

  it('is the same question with members in another order, a default written out, and the key elsewhere', async () => {
    const key = randomUUID();
    const first = await ask({ key, variables: { input: { note: 'a', lines: [line] } } });
    const { product, quantity } = line;
    const inputs: readonly Asked[] = [
      { key, variables: { input: { lines: [{ quantity, product }], note: 'a' } } },
      { key: `"${key}"`, variables: { input: { lines: [line], note: 'a' } } },
      { variables: { input: { note: 'a', lines: [line], idempotencyKey: key } } },
      { variables: { input: { note: 'a', lines: [line] } }, extensions: { idempotencyKey: key } },
    ];
    for (const asked of inputs) expect((await ask(asked)).text).toBe(first.text);
  });

  it.each<[string, Asked]>([
    ['other variables', { variables: { input: { lines: [{ ...line, quantity: 2 }] } } }],
    ['another document', { query: submit.replace('state', '') }],
    [
      'another mutation',
      { query: 'mutation { updateProfile(input: { displayName: "One" }) { user { id } } }', variables: {} },
    ],
  ])('is refused with %s', async (_what, other) => {
    const key = randomUUID();
    const effects = await effectsOf('user-1', async () => {
      await ask({ key });
      expect(await ask({ key, ...other })).toMatchObject({
        status: 422,
        code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
      });
    });
    expect(effects).toBe(1);
  });

  it('is another question of another user: neither sees anything of the other', async () => {
    const key = randomUUID();
    const [one, two] = [await ask({ sub: 'user-1', key }), await ask({ sub: 'user-2', key })];
    expect(two.status).toBe(200);
    expect(two.headers.get('idempotent-replayed')).toBeNull();
    expect(two.text).not.toBe(one.text);
  });

  it('is under way for who asks meanwhile, and told when to come back', async () => {
    const key = randomUUID();
    shop.faults.set('OrderService/SubmitOrder', { delayMs: 300, times: 1 });
    const before = submits();
    const first = ask({ key });
    await expect.poll(submits).toBe(before + 1);
    const second = await ask({ key });
    expect(second).toMatchObject({ status: 409, code: 'IDEMPOTENCY_CONCURRENT_REQUEST' });
    expect(second.headers.get('retry-after')).toBe('1');
    expect((await ask({ key, variables: { input: { lines: [] } } })).status).toBe(422);
    const { text } = await first;
    expect((await ask({ key })).text).toBe(text);
  });

  it('may be corrected under its key when it certainly was not done', async () => {
    const key = randomUUID();
    const refused = await ask({ key, variables: { input: { lines: [{ ...line, quantity: 1000 }] } } });
    expect(refused.code).toBe('BAD_USER_INPUT');
    const unknown = await ask({ key, sub: 'nobody' });
    expect(unknown.code).toBe('BAD_USER_INPUT');
    const done = await ask({ key });
    expect(done.text).toContain('"OrderSubmitted"');
  });

  it.each([{ disconnect: true }, { code: 'INTERNAL' }, { code: 'UNAVAILABLE' }] as const)(
    'runs again after %j, of which nobody knows whether it was done',
    async (fault) => {
      const key = randomUUID();
      shop.faults.set('OrderService/SubmitOrder', { ...fault, times: 1 });
      const effects = await effectsOf('user-1', async () => {
        const failed = await ask({ key });
        expect(failed.text).toContain('"submitOrder":null');
        const done = await ask({ key });
        expect(done.text).toContain('"OrderSubmitted"');
        expect(done.headers.get('idempotent-replayed')).toBeNull();
        expect((await ask({ key })).text).toBe(done.text);
      });
      expect(effects).toBe(1);
    },
  );

  it('does not run again after that where its field takes no key', async () => {
    const { text } = await ask({ key: randomUUID() });
    const { id } = JSON.parse(text).data.submitOrder.order;
    const cancel: Asked = {
      key: randomUUID(),
      query: 'mutation ($id: ID!) { cancelOrder(input: { order: $id }) { __typename } }',
      variables: { id },
    };
    shop.faults.set('OrderService/CancelOrder', { code: 'INTERNAL', times: 1 });
    await ask(cancel);
    const calls = shop.calls.length;
    expect(await ask(cancel)).toMatchObject({ status: 409, code: 'OUTCOME_UNKNOWN' });
    expect(shop.calls).toHaveLength(calls);
    expect((await ask({ ...cancel, key: randomUUID() })).text).toContain('OrderCancelled');
  });

  it('has one effect when its answer is forgotten after 24 hours, or lost with the store', async () => {
    const key = randomUUID();
    const effects = await effectsOf('user-1', async () => {
      const first = await ask({ key });
      const leftMs = await Promise.all(
        (await client.keys('weir:idempotency:*')).map((name) => client.pttl(name)),
      );
      expect(Math.max(...leftMs)).toBeGreaterThan(24 * 3_600_000 - 60_000);
      await client.flushall();
      const again = await ask({ key });
      expect(again.headers.get('idempotent-replayed')).toBeNull();
      expect(JSON.parse(again.text).data).toEqual(JSON.parse(first.text).data);
    });
    expect(effects).toBe(1);
  });

  it('says in place of an answer above 256 KiB that it was done', async () => {
    const key = randomUUID();
    await shop.store.query("UPDATE products SET stock = 1000, description = repeat('x', 20000)");
    const lines = Array.from({ length: 100 }, (_, index) => ({
      product: encodeNodeId('Product', `product-${index + 100}`),
      quantity: 1,
    }));
    const query = `mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) {
      ... on OrderSubmitted { order { lines { product { description } } } } } }`;
    const large: Asked = { key, query, variables: { input: { lines, note: 'large' } } };
    const first = await ask(large);
    expect(first.code).toBeUndefined();
    expect(first.text.length).toBeGreaterThan(256 * 1024);
    const again = await ask(large);
    expect(again).toMatchObject({ status: 409, code: 'IDEMPOTENCY_ANSWER_TOO_LARGE' });
    expect(JSON.parse(again.text).errors[0].extensions).toMatchObject({
      answerBytes: Buffer.byteLength(first.text),
      answerSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe('a mutation that needs a key', () => {
  it('is refused without one before anything is done', async () => {
    const before = shop.calls.length;
    const refused = await ask();
    expect(refused).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED' });
    expect(refused.text).toContain('Idempotency-Key');
    const pay = 'mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { payment { id } } }';
    const input = { order: 'x', amount: '1', currencyCode: 'EUR', method: { voucher: { code: 'x' } } };
    expect(await ask({ query: pay, variables: { input } })).toMatchObject({
      status: 400,
      code: 'IDEMPOTENCY_KEY_REQUIRED',
    });
    expect(shop.calls).toHaveLength(before);
  });

  it.each(['', 'short', 'x'.repeat(256), 'with spaces in the key', 'schlüssel-01234567'])(
    'is refused with the key %j',
    async (key) => {
      const input = { lines: [line], idempotencyKey: key };
      expect(await ask({ variables: { input } })).toMatchObject({
        status: 400,
        code: 'IDEMPOTENCY_KEY_INVALID',
      });
    },
  );

  it('is refused with two keys, and when one key stands for two of it', async () => {
    const input = { lines: [line], idempotencyKey: randomUUID() };
    expect(await ask({ key: randomUUID(), variables: { input } })).toMatchObject({ status: 400 });
    const twice = submit
      .replace('submitOrder', 'a: submitOrder')
      .replace(/\}$/, 'b: submitOrder(input: $input) { __typename } }');
    expect(await ask({ key: randomUUID(), query: twice })).toMatchObject({
      status: 400,
      code: 'IDEMPOTENCY_KEY_INVALID',
    });
  });

  it('is not looked at in a query', async () => {
    expect((await ask({ key: 'x', query: '{ __typename }', variables: {} })).status).toBe(200);
  });
});

describe('a store that is away', () => {
  it('refuses what needs a key, and lets the rest go on and say so', async () => {
    const { url } = await shop.addGateway({ REDIS_URL: 'redis://127.0.0.1:1' });
    const key = randomUUID();
    const effects = await effectsOf('user-1', async () => {
      const refused = await ask({ key, url });
      expect(refused).toMatchObject({ status: 503, code: 'UPSTREAM_UNAVAILABLE' });
      expect(refused.headers.get('retry-after')).toBe('1');
    });
    expect(effects).toBe(0);
    const [room] = await shop.store.query<{ id: string }>(
      'SELECT room_id AS id FROM room_members WHERE user_id = $1 LIMIT 1',
      ['user-1'],
    );
    const send: Asked = {
      key,
      url,
      query: 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }',
      variables: { input: { room: encodeNodeId('Room', room?.id ?? ''), text: 'once' } },
    };
    const sent = await ask(send);
    expect(sent.code).toBeUndefined();
    expect(sent.headers.get('idempotency-protection')).toBe('none');
    // The service takes the key once, whatever the gateway knows.
    expect(JSON.parse((await ask(send)).text).data).toEqual(JSON.parse(sent.text).data);
  });
});

describe('a mutation over WebSocket', () => {
  it('has its key in the extensions, and one answer', async () => {
    const authorization = `Bearer ${await shop.tokenOf('user-3')}`;
    const socket = createClient({
      url: shop.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
    });
    const extensions = { idempotencyKey: randomUUID() };
    const once = async () => {
      const results = [];
      const payload = { query: submit, variables: { input: { lines: [line] } }, extensions };
      for await (const result of socket.iterate(payload)) results.push(result);
      return results;
    };
    const effects = await effectsOf('user-3', async () => {
      const [first, again] = [await once(), await once()];
      expect(first).toMatchObject([{ data: { submitOrder: { __typename: 'OrderSubmitted' } } }]);
      expect(again).toEqual(first);
    });
    expect(effects).toBe(1);
    await socket.dispose();
  });
});
