import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBudgetPolicy, encodeNodeId, priceDocument } from '../../src/index.ts';
import type { CostExtension } from '../../src/operation/charge.ts';
import { costDirectives } from '../kit/cost-directives.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { codesOf, openTinyGateway } from '../kit/tiny-gateway.ts';

let shop: Shop;

beforeAll(async () => {
  // Everything is told, and nothing is refused for what it costs.
  shop = await startShop({ environment: { WEIR_BUDGET_MODE: 'measure' } });
});

afterAll(() => shop?.close());

const validate = { 'graphql-cost': 'validate' };

/** What an operation would cost; nothing of it runs. */
async function costOf(query: string, variables?: Record<string, unknown>): Promise<CostExtension> {
  const authorization = `Bearer ${await shop.tokenOf('user-1', 'orders:read chat:write')}`;
  const { extensions } = await shop.ask(query, variables, { authorization, ...validate });
  const cost = extensions?.['cost'];
  if (!cost) throw new Error(`Expected a price of ${query}`);
  return cost as CostExtension; // as: the gateway's own extension
}

async function pointsOf(query: string, variables?: Record<string, unknown>): Promise<number> {
  return (await costOf(query, variables)).requestedQueryCost;
}

/** Runs an operation, and tells what it cost. */
async function run(query: string) {
  const authorization = `Bearer ${await shop.tokenOf('user-1', 'orders:read')}`;
  const { data, errors = [], extensions } = await shop.ask(query, {}, { authorization });
  const cost = extensions?.['cost'] as CostExtension | undefined; // as: the gateway's own extension
  return { data, codes: errors.map((error) => error.extensions?.['code']), cost };
}

const page = '{ edges { node { id customer { id } } } }';
const asked = (first: unknown) => `{ orders(first: ${first}) ${page} }`;
const byVariable = `query ($first: Int) { orders(first: $first) ${page} }`;

describe('page sizes and the price', () => {
  it.each([
    ['26: the largest', 100, 201],
    ['26: one more', 101, 201],
    ['26: 100,000', 100_000, 201],
    ['26: the largest Int', 2_147_483_647, 201],
    ['27: none', 0, 1],
    ['27: less than none', -5, 1],
    ['27: null, which is the default page', null, 41],
  ])(
    '%s costs the same by literal and variable, never more than the largest page nor less than none',
    async (_what, first, points) => {
      expect(await pointsOf(asked(first))).toBe(points);
      expect(await pointsOf(byVariable, { first })).toBe(points);
      expect(await pointsOf(byVariable.replace('Int)', `Int = ${first})`))).toBe(points);
    },
  );

  it('27: a page that is refused does not make its neighbours cheaper', async () => {
    const both = (first: number) => `{ a: orders(first: ${first}) ${page} b: orders(first: 10) ${page} }`;
    expect(await pointsOf(both(-1_000_000))).toBe(1 + 21);
  });

  it('27: of two sizes the larger counts', async () => {
    expect(await pointsOf(`{ orders(first: 1, last: 100) ${page} }`)).toBe(201);
    expect(await pointsOf(`{ orders(first: 100, last: -5) ${page} }`)).toBe(201);
  });

  it('T26, T27: what is refused is an error of its field, asks nobody and leaves the rest as it is', async () => {
    for (const first of [101, 100_000, -5]) {
      shop.calls.length = 0;
      const { data, codes, cost } = await run(`{ viewer { __typename } orders(first: ${first}) ${page} }`);
      expect(codes).toEqual(['PAGE_SIZE']);
      expect(data).toEqual({ viewer: { __typename: 'Viewer' }, orders: null });
      expect(shop.calls).toEqual([]);
      // Nothing of it was given, so only the least is paid.
      expect(cost?.actualQueryCost).toBe(1);
    }
  });
});

describe('28: weights of input fields', () => {
  const list = '{ edges { node { id } } }';
  const search = `products(first: 5, filter: $filter) ${list}`;

  it.each([
    ['a literal', `{ products(first: 5, filter: { query: "x" }) ${list} }`, {}],
    ['a variable', `query ($filter: ProductFilter) { ${search} }`, { filter: { query: 'x' } }],
    ['a default', `query ($filter: ProductFilter = { query: "x" }) { ${search} }`, {}],
    [
      'a variable within',
      `query ($q: String) { products(first: 5, filter: { query: $q }) ${list} }`,
      { q: 'x' },
    ],
    [
      'a fragment',
      `query ($filter: ProductFilter) { ...f } fragment f on Query { ${search} }`,
      { filter: { query: 'x' } },
    ],
    ['an alias', `{ a: products(first: 5, filter: { query: "x" }) ${list} }`, {}],
  ])('count in %s', async (_how, query, variables) => {
    expect(await pointsOf(query, variables)).toBe(1 + 5 + 1 + 20);
  });

  it('count in lists of input objects, however they come', () => {
    const sdl = `${costDirectives}
      type Query { find(any: [Filter!], deep: Deep): Int }
      input Filter { text: String @cost(weight: "4") }
      input Deep { all: [Filter!] }`;
    const priceOf = (operation: string, variables = {}) =>
      priceDocument({ sdl, operation, variables, defaultListSize: 10 }).points;
    const filters = [{ text: 'a' }, { text: 'b' }, {}];
    const lists = [
      priceOf('{ find(any: [{ text: "a" }, { text: "b" }, {}]) }'),
      priceOf('query ($any: [Filter!]) { find(any: $any) }', { any: filters }),
      priceOf('query ($any: [Filter!] = [{ text: "a" }, { text: "b" }, {}]) { find(any: $any) }'),
      priceOf('query ($t: String) { find(any: [{ text: $t }, { text: "b" }, {}]) }', { t: 'a' }),
    ];
    const deeper = [
      priceOf('query ($deep: Deep) { find(deep: $deep) }', { deep: { all: filters } }),
      priceOf('{ find(deep: { all: [{ text: "a" }, { text: "b" }, {}] }) }'),
    ];
    // A list's own weight is paid once, and one more of what holds it.
    expect(lists).toEqual(lists.map(() => 1 + 2 * 4));
    expect(deeper).toEqual(deeper.map(() => 2 + 2 * 4));
  });
});

describe('29: what is dear', () => {
  const heavy = 'reviews(first: 100) { edges { node { author { id } } } }';
  const product = encodeNodeId('Product', 'product-1');

  it('costs as much behind an interface as without, and of types that exclude each other the dearest', async () => {
    const plain = await pointsOf(`{ product(id: "${product}") { ${heavy} } }`);
    expect(plain).toBe(1 + 1 + 100 * 2);
    expect(await pointsOf(`{ node(id: "${product}") { ... on Product { ${heavy} } } }`)).toBe(plain);
    const others = '... on User { id } ... on Order { customer { id } } ... on Room { title }';
    expect(await pointsOf(`{ node(id: "${product}") { ${others} ... on Product { ${heavy} } } }`)).toBe(
      plain,
    );
    expect(
      await pointsOf(`{ nodes(ids: ["${product}", "${product}"]) { ... on Product { ${heavy} } } }`),
    ).toBe(2 * plain);
  });

  it('costs the same of a union', async () => {
    const bought = '... on OrderSubmitted { order { lines(first: 8) { number } } }';
    const refused = '... on OutOfStock { shortages { product { id } } }';
    const mutation = (selection: string) => `mutation { submitOrder(input: { lines: [] }) { ${selection} } }`;
    const [first, second] = [await pointsOf(mutation(bought)), await pointsOf(mutation(refused))];
    expect(await pointsOf(mutation(`${bought} ${refused}`))).toBe(Math.max(first, second));
  });
});

describe('31: a document that is known', () => {
  it('is priced by the variables of each request', async () => {
    const priced = [];
    for (const first of [1, 50, 1, 100, 0]) priced.push(await pointsOf(byVariable, { first }));
    expect(priced).toEqual([3, 101, 3, 201, 1]);
    const conditional = `query ($with: Boolean!) { orders(first: 10) @include(if: $with) ${page} }`;
    expect(await pointsOf(conditional, { with: true })).toBe(21);
    expect(await pointsOf(conditional, { with: false })).toBe(1);
  });
});

describe('33: mutations', () => {
  const send = (count: number) =>
    Array.from(
      { length: count },
      (_, at) =>
        `m${at}: sendMessage(input: { room: "${encodeNodeId('Room', 'room-1')}", text: "x" }) { __typename }`,
    ).join(' ');

  it('cost ten points each at least, and five are the most', async () => {
    const five = await pointsOf(`mutation { ${send(5)} }`);
    expect(five).toBeGreaterThanOrEqual(50);
    expect(five).toBe(5 * (await pointsOf(`mutation { ${send(1)} }`)));
    const refused = await shop.ask(`mutation { ${send(6)} }`, {}, validate);
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('ROOT_FIELD_LIMIT');
  });

  it('34: have a budget of their own where the policy says so, whatever else is left', async () => {
    const policy = createBudgetPolicy({ mutations: { limitPoints: 50, restorePerSecond: 0.001 } });
    await using tiny = await openTinyGateway({ policy, budget: { mode: 'enforce' } });
    const guess = (count: number) =>
      tiny.ask(`mutation { ${Array.from({ length: count }, (_, at) => `t${at}: touch`).join(' ')} }`);
    expect(codesOf(await guess(100))).toEqual(['ALIAS_LIMIT']);
    expect(codesOf(await guess(4))).toEqual([]);
    expect(codesOf(await guess(2))).toEqual(['RATE_LIMITED']);
    expect(codesOf(await guess(1))).toEqual([]);
    const spent = await guess(1);
    expect({ status: spent.status, codes: codesOf(spent) }).toEqual({ status: 429, codes: ['RATE_LIMITED'] });
    expect(spent.json.errors?.[0]?.extensions).toMatchObject({ tier: 'mutations', limitPoints: 50 });
    expect(tiny.probe.touches).toBe(5);
    expect(codesOf(await tiny.ask('{ fast }'))).toEqual([]);
  });
});

describe('37: a result that is larger than its price says', () => {
  it('does not come: a list is as long as it was asked for, whatever the service has', async () => {
    await shop.store.query(
      `INSERT INTO order_lines SELECT 'order-7', number, 'product-7', 1, 1 FROM generate_series(50, 250) AS number`,
    );
    const id = encodeNodeId('Order', 'order-7');
    const query = `{ order(id: "${id}") { lines(first: 5) { product { id } } } }`;
    const { codes, data, cost } = await run(query);
    expect(codes).toEqual([]);
    expect(JSON.stringify(data).match(/"product"/g)).toHaveLength(5);
    expect(cost?.requestedQueryCost).toBe(1 + 5 * 1.125);
    expect(cost?.actualQueryCost).toBe(1 + 5 * 1.125);
  });
});
