import { randomUUID } from 'node:crypto';
import { type ExecutionResult, OperationTypeNode } from 'graphql';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { createBudgetPolicy, encodeNodeId } from '../../src/index.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { subscribeByWs } from '../kit/subscriber.ts';
import { type TextPlace, textPlaces } from '../kit/text-places.ts';

/** What would be code, a pattern or an end of something, somewhere. */
const hostile = [
  `'; DROP TABLE orders CASCADE; --`,
  `' OR '1'='1' --`,
  `' UNION SELECT email FROM users --`,
  `x'); UPDATE products SET title = 'owned'; --`,
  `\\'; UPDATE products SET title = 'owned'; --`,
  `$1 $$; DELETE FROM users; $$`,
  '%',
  '_%',
  `*[a-z]?{x}";redis.call("FLUSHALL")--`,
  `"]] redis.call('FLUSHALL') --[[`,
  '\r\nFLUSHALL\r\n',
  '*3\r\n$8\r\nFLUSHALL\r\n',
  '(?:(a+)+)+$',
  '{"$gt": ""}',
  `${'{{'}7*7}} #{7*7} <%= 7*7 %>`,
  '../../../etc/passwd\0',
  '\ud800',
  '\u202e\u0000\u0007',
] as const;

let redis: TestRedis;
let client: Redis;
let shop: Shop;
let room: string;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  await client.set('canary', 'alive');
  const policy = createBudgetPolicy({ principal: { limitPoints: 1e9, restorePerSecond: 1e6 } });
  shop = await startShop({ environment: { REDIS_URL: redis.url, WEIR_BUDGET_MODE: 'enforce' }, policy });
  await shop.store.query('UPDATE products SET stock = 100000');
  const [row] = await shop.store.query<{ id: string }>(
    `SELECT room_id AS id FROM room_members WHERE user_id = 'user-1' LIMIT 1`,
  );
  room = encodeNodeId('Room', row?.id ?? '');
});
afterAll(async () => {
  await shop?.close();
  client?.disconnect();
  await redis?.stop();
});

/** Of which type the id in a place is, by the last name of the place. */
const idTypes: Readonly<Record<string, string>> = {
  room: 'Room',
  order: 'Order',
  product: 'Product',
  products: 'Product',
  customer: 'User',
};

/** A good text for every place that needs one. */
function good(name: string): string {
  const [, field = '', last = ''] = /\.(\w+)\((?:.*\.)?(\w+)\)$/.exec(name) ?? [];
  const typename = idTypes[last] ?? idTypes[field];
  if (typename === 'Room' || name === 'Query.node(id)') return room;
  if (typename) return encodeNodeId(typename, `${typename.toLowerCase()}-1`);
  const texts: Readonly<Record<string, string>> = {
    from: '2025-01-01T00:00:00Z',
    to: '2025-02-01T00:00:00Z',
    amount: '1.00',
    currencyCode: 'EUR',
    lastFour: '4242',
    accountSuffix: 'AB12',
  };
  return texts[last] ?? 'text';
}

const scope = `orders:read orders:write payments:read payments:write chat:read chat:write users:read users:write reports:read`;

/** Lets the place have the text; a subscription until it is live or refused. */
async function ask(place: TextPlace, text: string): Promise<Pick<ExecutionResult, 'data' | 'errors'>> {
  const variables = place.variables(text);
  const token = await shop.tokenOf('user-1', scope);
  if (place.operation === OperationTypeNode.SUBSCRIPTION) {
    await using subscriber = subscribeByWs(shop.url, { query: place.document, variables, token });
    const ended = subscriber.ended.then((errors) => ({
      errors: errors as NonNullable<ExecutionResult['errors']>,
    })); // as: of the graph
    return Promise.race([
      ended,
      subscriber.live.then(
        () => ({}),
        () => ended,
      ),
    ]);
  }
  const url = place.document.includes('homeScreen') ? new URL('/mobile/graphql', shop.url) : shop.url;
  const isKeyed = place.operation === OperationTypeNode.MUTATION && !place.name.includes('idempotencyKey');
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(isKeyed && { 'idempotency-key': randomUUID() }),
    },
    body: JSON.stringify({ query: place.document, variables }),
  });
  return response.json();
}

/** What nobody may have changed: how many rows each table has, and what products and users are. */
async function rowsOf() {
  const tables = await shop.store.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  const counts = new Map<string, number>();
  for (const { name } of tables) {
    const [row] = await shop.store.query<{ count: number }>(`SELECT count(*)::int AS count FROM "${name}"`);
    counts.set(name, row?.count ?? 0);
  }
  const [digest] = await shop.store.query<{ products: string; users: string }>(
    `SELECT (SELECT md5(string_agg(id || title || price_nanos, ',' ORDER BY id)) FROM products) AS products,
       (SELECT md5(string_agg(id || email || display_name, ',' ORDER BY id)) FROM users WHERE id <> 'user-1') AS users`,
  );
  return { counts, digest };
}

/** An id as it would be of a row with this name, which no row has. */
const idWith = (typename: string, text: string) => Buffer.from(`${typename}:${text}`).toString('base64url');

/** Codes that say that the text was looked at and refused, or that there is nothing by it. */
const refusals = [
  'BAD_USER_INPUT',
  'INVALID_CURSOR',
  'NOT_FOUND',
  'IDEMPOTENCY_KEY_INVALID',
  // Some are good keys, which a place before it used.
  'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
  'FAILED_PRECONDITION',
  'CONFLICT',
];

describe('texts that would be code somewhere', () => {
  it('123: are texts in every place of the schema, and harm no table', async () => {
    const places = textPlaces(schema, good);
    expect(places.length).toBeGreaterThan(50);
    const before = await rowsOf();
    shop.logged.length = 0;
    let answers = 0;
    let accepted = 0;
    for (const place of places) {
      const typename = idTypes[place.name.slice(0, -1).split(/[.(]/).at(-1) ?? ''] ?? 'Order';
      // An id that is none is refused at once: within a good one the text goes on.
      const texts = place.isId ? hostile.flatMap((text) => [text, idWith(typename, text)]) : hostile;
      const all = await Promise.all(texts.map((text) => ask(place, text)));
      for (const [index, { errors = [] }] of all.entries()) {
        answers += 1;
        if (errors.length === 0) accepted += 1;
        for (const { extensions, message } of errors)
          expect(refusals, `${place.name} ${JSON.stringify(texts[index])}: ${message}`).toContain(
            extensions?.['code'],
          );
      }
      // Nobody's address, whatever a text asks to be united with.
      expect(JSON.stringify(all.map(({ data }) => data))).not.toContain('@');
    }
    expect(answers).toBeGreaterThan(1_400);
    expect(accepted).toBeGreaterThan(100);
    expect(shop.logged.filter(({ message }) => message === 'field failed')).toEqual([]);
    const after = await rowsOf();
    expect(after.digest).toEqual(before.digest);
    expect([...after.counts.keys()]).toEqual([...before.counts.keys()]);
    for (const [name, count] of before.counts) expect(after.counts.get(name)).toBeGreaterThanOrEqual(count);
  }, 60_000);

  it('123: leave the store of budgets, keys and events as it is, also as the name of who asks', async () => {
    for (const sub of hostile.filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text)))
      expect(await shop.askAs(sub, '{ viewer { orders(first: 1) { edges { cursor } } } }')).toMatchObject({
        data: { viewer: { orders: { edges: [] } } },
      });
    expect(await client.get('canary')).toBe('alive');
    const keys = await client.keys('*');
    expect(keys.length).toBeGreaterThan(2);
    expect(keys.filter((key) => !/^(canary$|weir:)/.test(key))).toEqual([]);
  });

  it.each(['%', '_', '\\', "'", 'a%', '*'])('123: are no pattern in a search: %s', async (text) => {
    const [row] = await shop.store.query<{ count: number }>(
      'SELECT least(count(*), 50)::int AS count FROM products WHERE position(lower($1) IN lower(title)) > 0',
      [text],
    );
    const { data, errors } = await shop.ask<{ products: { edges: unknown[] } }>(
      'query ($text: String) { products(first: 50, filter: { query: $text }) { edges { cursor } } }',
      { text },
    );
    expect(errors).toBeUndefined();
    expect(data?.products.edges).toHaveLength(row?.count ?? -1);
  });
});
