import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { post } from '../kit/tiny-gateway.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

/** The codes and messages of an answer's errors. */
async function refusals(query: string, variables: Record<string, unknown> = {}) {
  const { errors = [] } = await shop.ask(query, variables);
  return errors.map(({ message, extensions }) => ({ code: extensions?.['code'], message }));
}

/** The data of an answer without errors. */
async function data<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
  const answer = await shop.ask<Data>(query, variables);
  expect(answer.errors).toBeUndefined();
  if (!answer.data) throw new Error('The answer had no data.');
  return answer.data;
}

interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
}

interface ProductNode {
  readonly stock: number;
  readonly price: { readonly amount: string };
}

interface Products {
  readonly products: Page<ProductNode>;
}

describe('a field that is on its way out', () => {
  it('still answers, and tells when it goes', async () => {
    const of = async (field: string) => {
      const query = `{ products(first: 1) { edges { node { ${field} } } } }`;
      const { headers } = await post(shop.url, { query });
      return [headers.get('deprecation'), headers.get('sunset')];
    };
    expect(await of('mediaId')).toEqual(['@1795392000', 'Tue, 01 Jun 2027 00:00:00 GMT']);
    expect(await of('images')).toEqual([null, null]);
  });
});

describe('scalars', () => {
  it('carry 64-bit integers beyond 2^53 exactly', async () => {
    const [row] = await shop.store.query<{ media_id: bigint }>(
      "SELECT media_id FROM products WHERE id = 'product-1'",
    );
    const id = encodeNodeId('Product', 'product-1');
    const { product } = await data<{ product: unknown }>(
      'query ($id: ID!) { product(id: $id) { mediaId } }',
      { id },
    );
    expect(row?.media_id).toBeGreaterThan(2n ** 53n);
    expect(product).toEqual({ mediaId: String(row?.media_id) });
  });

  it('give money as exact decimals and moments as RFC 3339', async () => {
    const { products } = await data<Products>(
      '{ products(first: 5) { edges { node { price { amount currencyCode } createdAt } } } }',
    );
    for (const { node } of products.edges) {
      expect(node).toEqual({
        price: { amount: expect.stringMatching(/^\d+\.\d{2}$/), currencyCode: 'EUR' },
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
    }
  });
});

describe('node', () => {
  it('reads each type again by its id', async () => {
    for (const [typename, id] of [
      ['Product', 'product-7'],
      ['User', 'user-7'],
      ['Order', 'order-7'],
      ['Room', 'room-7'],
      ['Payment', 'payment-7'],
    ] as const) {
      const nodeId = encodeNodeId(typename, id);
      const { node } = await data<{ node: unknown }>('query ($id: ID!) { node(id: $id) { __typename id } }', {
        id: nodeId,
      });
      expect(node).toEqual({ __typename: typename, id: nodeId });
    }
  });

  it('is null with NOT_FOUND for an object that does not exist, and spoils no other', async () => {
    const id = encodeNodeId('Product', 'product-0');
    const there = encodeNodeId('Product', 'product-1');
    const query = `query ($id: ID!, $there: ID!) {
      node(id: $id) { id } product(id: $id) { id } nodes(ids: [$id, $there]) { id } }`;
    const { data: found, errors } = await shop.ask(query, { id, there });
    expect(found).toEqual({ node: null, product: null, nodes: [null, { id: there }] });
    expect(errors?.map(({ path, extensions }) => [path?.join('.'), extensions?.['code']]).sort()).toEqual([
      ['node', 'NOT_FOUND'],
      ['nodes.0', 'NOT_FOUND'],
      ['product', 'NOT_FOUND'],
    ]);
  });

  it.each([
    ['text that is no id', 'garbage!'],
    ['an id of a type that is no node', encodeNodeId('Review', 'review-1')],
    ['an id of a type that is not there', encodeNodeId('Secret', '1')],
    ['an empty id', ''],
  ])('refuses %s', async (_what, id) => {
    expect(await refusals('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual([
      { code: 'BAD_USER_INPUT', message: expect.any(String) },
    ]);
  });

  it('refuses an id of another type where one is expected, and says which came', async () => {
    const id = encodeNodeId('User', 'user-1');
    expect(await refusals('query ($id: ID!) { product(id: $id) { id } }', { id })).toEqual([
      { code: 'BAD_USER_INPUT', message: expect.stringMatching(/Product.*User/) },
    ]);
  });

  it('takes 100 ids and refuses 101', async () => {
    const ids = Array.from({ length: 101 }, (_, index) => encodeNodeId('Product', `product-${index + 1}`));
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const { nodes } = await data<{ nodes: { id: string }[] }>(query, { ids: ids.slice(1) });
    expect(nodes.map(({ id }) => id)).toEqual(ids.slice(1));
    expect(await refusals(query, { ids })).toEqual([
      { code: 'BAD_USER_INPUT', message: expect.stringContaining('101') },
    ]);
  });
});

describe('products', () => {
  const page = (args: string) =>
    `{ products(${args}) { edges { cursor node { id title category stock price { amount } unitsSold } } pageInfo { hasNextPage hasPreviousPage } } }`;

  it('filters by category, price, stock and text', async () => {
    const filter =
      'filter: { category: BOOKS, query: "the", inStock: true, price: { between: { from: "5", to: "20.5" } } }';
    const { products } = await data<Products>(page(`first: 50, order: PRICE_ASC, ${filter}`));
    const nodes = products.edges.map(({ node }) => node);
    expect(nodes.length).toBeGreaterThan(0);
    for (const node of nodes) {
      expect(node).toMatchObject({ category: 'BOOKS', title: expect.stringMatching(/the/i) });
      expect(node.stock).toBeGreaterThan(0);
    }
    const prices = nodes.map(({ price }) => Number(price.amount));
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
    expect(Math.min(...prices)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...prices)).toBeLessThanOrEqual(20.5);
  });

  it('jumps by offset to the same rows that cursors reach', async () => {
    const { products: head } = await data<Products>(page('first: 30, order: BESTSELLING'));
    const { products: jumped } = await data<Products>(page('first: 10, offset: 20, order: BESTSELLING'));
    expect(jumped.edges).toEqual(head.edges.slice(20));
    expect(jumped).toMatchObject({ pageInfo: { hasPreviousPage: true } });
  });

  it('jumps at most 1,000 rows', async () => {
    expect(await refusals(page('first: 1, offset: 1000'))).toEqual([]);
    expect(await refusals(page('first: 1, offset: 1001'))).toEqual([
      { code: 'BAD_USER_INPUT', message: expect.stringContaining('1001') },
    ]);
  });

  it('refuses a cursor of another order, another filter and another field', async () => {
    const { products } = await data<Products>(page('first: 1, order: PRICE_ASC'));
    const cursor = products.edges[0]?.cursor;
    for (const query of [
      page(`first: 1, order: PRICE_DESC, after: "${cursor}"`),
      page(`first: 1, order: PRICE_ASC, filter: { inStock: true }, after: "${cursor}"`),
      `{ orders(first: 1, after: "${cursor}") { edges { cursor } } }`,
    ]) {
      expect(await refusals(query)).toEqual([{ code: 'INVALID_CURSOR', message: expect.any(String) }]);
    }
    expect(await refusals(page(`first: 1, order: PRICE_ASC, after: "${cursor}"`))).toEqual([]);
  });

  it.each([
    ['a text of 101 characters', `query: "${'x'.repeat(101)}"`, ['filter', 'query']],
    ['a price past 64 bits of nanos', 'price: { atLeast: "99999999999.00" }', ['filter', 'price']],
    [
      'an end past 64 bits of nanos',
      'price: { between: { from: "1", to: "99999999999" } }',
      ['filter', 'price'],
    ],
  ])('refuses %s where it stands in the arguments', async (_what, filter, path) => {
    const { errors } = await shop.ask(page(`filter: { ${filter} }`));
    expect(errors).toMatchObject([
      {
        extensions: { code: 'BAD_USER_INPUT', fieldViolations: [{ path, description: expect.any(String) }] },
      },
    ]);
  });

  it('refuses two kinds of price at once, as @oneOf says', async () => {
    expect(await refusals(page('filter: { price: { atMost: "1", atLeast: "2" } }'))).toEqual([
      { code: 'GRAPHQL_VALIDATION_FAILED', message: expect.stringContaining('PriceFilter') },
    ]);
  });

  it.each([
    ['first: -1', 'PAGE_SIZE'],
    ['first: 101', 'PAGE_SIZE'],
    ['last: 101', 'PAGE_SIZE'],
    ['first: 1, last: 1', 'BAD_USER_INPUT'],
    ['last: 1, offset: 1', 'BAD_USER_INPUT'],
  ])('refuses %s', async (args, code) => {
    expect(await refusals(page(args))).toEqual([{ code, message: expect.any(String) }]);
  });

  it('answers an empty page to first: 0, and 20 rows where no size is given', async () => {
    const { products: none } = await data<Products>(page('first: 0'));
    expect(none).toEqual({ edges: [], pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const { products: some } = await data<Products>(page('order: NEWEST'));
    expect(some.edges).toHaveLength(20);
  });
});

describe('orders', () => {
  it('refuse a customer that cannot be where it stands in the arguments', async () => {
    const customer = encodeNodeId('User', 'x'.repeat(140));
    const query = 'query ($customer: ID) { orders(filter: { customer: $customer }) { edges { cursor } } }';
    const { errors } = await shop.ask(query, { customer });
    expect(errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', fieldViolations: [{ path: ['filter', 'customer'] }] } },
    ]);
  });
});

describe('a failing upstream', () => {
  it('leaves the rest of the answer and gives its field a code', async () => {
    shop.faults.set('UserService/BatchGetUsers', { code: 'UNAVAILABLE' });
    const { data: partial, errors } = await shop.ask<{
      orders: { edges: { node: { customer: unknown } }[] };
    }>('{ orders(first: 3) { edges { node { id customer { displayName } lines { product { title } } } } } }');
    shop.faults.clear();
    expect(partial?.orders.edges).toHaveLength(3);
    expect(partial?.orders.edges.map(({ node }) => node.customer)).toEqual([null, null, null]);
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(
      Array(3).fill('UPSTREAM_UNAVAILABLE'),
    );
  });
});

describe('read masks', () => {
  it('ask the upstream for the selected members only', async () => {
    const id = encodeNodeId('User', 'user-1');
    const query =
      'query ($id: ID!) { user(id: $id) { displayName friends(first: 1) { edges { node { avatar } } } } }';
    await shop.ask(query, { id });
    const watcher = new pg.Client({ connectionString: shop.databaseUrl });
    await watcher.connect();
    const { rows: statements } = await watcher.query<{ query: string }>(
      'SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await watcher.end();
    expect(statements.some(({ query: sql }) => sql.includes('avatar_url'))).toBe(true);
    expect(statements.filter(({ query: sql }) => sql.includes('email'))).toEqual([]);
  });
});
