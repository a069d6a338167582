import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { attack, maxCpuMs, type Threat, type ThreatAnswer } from '../kit/threat.ts';
import { codesOf, openTinyGateway } from '../kit/tiny-gateway.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

async function attackShop(threat: Threat): Promise<ThreatAnswer> {
  const authorization = `Bearer ${await shop.tokenOf('user-1', 'orders:read')}`;
  shop.calls.length = 0;
  return attack(shop.url, threat, { authorization });
}

const page = '{ edges { node { id } } }';

/** The ways in which page arguments can come, each giving the same operation. */
function waysOf(pageArguments: Readonly<Record<string, unknown>>): readonly (readonly [string, Threat])[] {
  const given = Object.entries(pageArguments);
  const literal = given.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');
  const declared = given.map(([name]) => `$${name}: Int`).join(', ');
  const defaulted = given.map(([name, value]) => `$${name}: Int = ${JSON.stringify(value)}`).join(', ');
  const passed = given.map(([name]) => `${name}: $${name}`).join(', ');
  return [
    ['a literal', { query: `{ orders(${literal}) ${page} }` }],
    ['a variable', { query: `query (${declared}) { orders(${passed}) ${page} }`, variables: pageArguments }],
    ['a default', { query: `query (${defaulted}) { orders(${passed}) ${page} }` }],
    ['an alias', { query: `{ a: orders(${literal}) ${page} }` }],
    ['a fragment', { query: `{ ...f } fragment f on Query { orders(${literal}) ${page} }` }],
    ['an inline fragment', { query: `{ ... on Query @include(if: true) { orders(${literal}) ${page} } }` }],
  ];
}

const pages: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['26: a page of 100,000', { first: 100_000 }, 'PAGE_SIZE'],
  ['26: a page of 101', { first: 101 }, 'PAGE_SIZE'],
  ['26: the last 100,000', { last: 100_000 }, 'PAGE_SIZE'],
  ['27: a page of -5', { first: -5 }, 'PAGE_SIZE'],
  ['27: the last -5', { last: -5 }, 'PAGE_SIZE'],
  ['27: the first and the last', { first: 5, last: 5 }, 'BAD_USER_INPUT'],
];

describe('page arguments that are refused', () => {
  it.each(pages)(
    '%s: is refused alike however it comes, and asks no upstream',
    async (_name, given, code) => {
      const answers = [];
      for (const [way, threat] of waysOf(given)) {
        const { codes, body, cpuMs } = await attackShop(threat);
        answers.push({ way, codes, message: body.errors?.[0]?.message });
        expect(Object.values(body.data ?? { orders: null })).toEqual([null]);
        expect(shop.calls).toEqual([]);
        expect(cpuMs).toBeLessThanOrEqual(maxCpuMs);
      }
      const [first] = answers;
      expect(first?.codes).toEqual([code]);
      expect(answers).toEqual(answers.map(({ way }) => ({ ...first, way })));
    },
  );

  it('26: takes a page of 100, the largest', async () => {
    for (const [, threat] of waysOf({ first: 100 })) {
      const { status, codes, body } = await attackShop(threat);
      expect({ status, codes }).toEqual({ status: 200, codes: [] });
      expect(JSON.stringify(body.data).match(/"node"/g)).toHaveLength(100);
    }
  });

  it.each([
    ['left out', {}],
    ['null', { variables: { first: null } }],
    ['null by a default', { query: `query ($first: Int = null) { orders(first: $first) ${page} }` }],
    [
      'null in place of a default',
      { query: `query ($first: Int = 100000) { orders(first: $first) ${page} }`, variables: { first: null } },
    ],
  ])('27: gives the default page when the size is %s', async (_what, threat) => {
    const query = `query ($first: Int) { orders(first: $first) ${page} }`;
    const { status, body } = await attackShop({ query, ...threat });
    expect(status).toBe(200);
    expect(JSON.stringify(body.data).match(/"node"/g)).toHaveLength(20);
  });
});

const ids = Array.from({ length: 10_000 }, (_, at) => encodeNodeId('Product', `product-${at}`));
const lines = Array.from({ length: 3000 }, () => ({ productId: ids[0], quantity: 1 }));
const submit = 'submitOrder(input: $input) { __typename }';

/** T32, by where the list stands. */
const longLists: readonly (readonly [string, Threat])[] = [
  ['a literal', { query: `{ nodes(ids: ${JSON.stringify(ids.slice(0, 900))}) { id } }` }],
  ['a literal of an alias', { query: `{ a: nodes(ids: ${JSON.stringify(ids.slice(0, 900))}) { id } }` }],
  [
    'a literal in a fragment',
    { query: `{ ...f } fragment f on Query { nodes(ids: ${JSON.stringify(ids.slice(0, 900))}) { id } }` },
  ],
  ['a literal of 10,000', { query: `{ nodes(ids: ${JSON.stringify(ids)}) { id } }` }],
  [
    'a variable',
    { query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables: { ids: ids.slice(0, 5000) } },
  ],
  [
    'a default',
    { query: `query ($ids: [ID!]! = ${JSON.stringify(ids.slice(0, 900))}) { nodes(ids: $ids) { id } }` },
  ],
  [
    'a list of variables',
    { query: `query ($id: ID!) { nodes(ids: [${'$id '.repeat(900)}]) { id } }`, variables: { id: ids[0] } },
  ],
  [
    'an input object',
    { query: `mutation ($input: SubmitOrderInput!) { ${submit} }`, variables: { input: { lines } } },
  ],
  [
    'an input object in a literal',
    { query: `mutation { submitOrder(input: { lines: [${'{} '.repeat(600)}] }) { __typename } }` },
  ],
  ['a variable that is not declared', { query: '{ __typename }', variables: { ids } }],
];

describe('input lists that are too long', () => {
  it.each(longLists)('32: are refused in %s', async (_where, threat) => {
    const { status, codes, body, cpuMs } = await attackShop(threat);
    expect({ status, codes }).toEqual({ status: 400, codes: ['LIST_ARG_LIMIT'] });
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'LIST_ARG_LIMIT', maximum: 500 });
    expect(shop.calls).toEqual([]);
    expect(cpuMs).toBeLessThanOrEqual(maxCpuMs);
  });

  it('32: pass the guard up to the bound', async () => {
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const { codes } = await attackShop({ query, variables: { ids: ids.slice(0, 500) } });
    expect(codes).not.toContain('LIST_ARG_LIMIT');
  });
});

describe('mutations in one document', () => {
  const touches = (count: number) => Array.from({ length: count }, (_, at) => `t${at}: touch`).join(' ');

  it.each([
    [4, []],
    [5, []],
    [6, ['ROOT_FIELD_LIMIT']],
    [20, ['ROOT_FIELD_LIMIT']],
    [100, ['ALIAS_LIMIT']],
  ])('T33, T34: of %i root fields get %j, and none runs of what is refused', async (count, codes) => {
    await using tiny = await openTinyGateway();
    for (const query of [
      `mutation { ${touches(count)} }`,
      `mutation { ...f } fragment f on Mutation { ${touches(count)} }`,
      `mutation ($t: Boolean = true) { ... @include(if: $t) { ${touches(count)} } }`,
    ]) {
      tiny.probe.touches = 0;
      const answer = await tiny.ask(query);
      expect(codesOf(answer)).toEqual(codes);
      expect(tiny.probe.touches).toBe(codes.length === 0 ? count : 0);
    }
  });

  it('33: count through several fragments', async () => {
    await using tiny = await openTinyGateway();
    const query = `mutation { ...f ...g } fragment f on Mutation { a: touch b: touch c: touch } fragment g on Mutation { d: touch e: touch f: touch }`;
    expect(codesOf(await tiny.ask(query))).toEqual(['ROOT_FIELD_LIMIT']);
    expect(tiny.probe.touches).toBe(0);
  });
});

describe('a cursor that its field did not give', () => {
  let cursor: string;

  beforeAll(async () => {
    cursor = await cursorOf('orders(first: 1)');
  });

  async function cursorOf(field: string, as = 'user-1'): Promise<string> {
    const { data } = await shop.askAs<{ x: { pageInfo: { endCursor: string } } }>(
      { sub: as, scope: 'orders:read' },
      `{ x: ${field} { pageInfo { endCursor } } }`,
    );
    return data?.x.pageInfo.endCursor ?? '';
  }

  it('36: is another than the one that it gave, which is good', async () => {
    const answer = await attackShop({ query: `{ orders(after: "${cursor}") ${page} }` });
    expect(answer.codes).toEqual([]);
  });

  it.each<readonly [string, () => string | Promise<string>]>([
    ['nothing', () => ''],
    ['garbage', () => 'garbage'],
    ['base64 of an offset', () => Buffer.from('arrayconnection:5').toString('base64')],
    ['a good one without its end', () => cursor.slice(0, -1)],
    ['a good one without its half', () => cursor.slice(0, cursor.length / 2)],
    ['a good one with more behind it', () => `${cursor}A`],
    ['a good one with another letter', () => `${cursor[0] === 'A' ? 'B' : 'A'}${cursor.slice(1)}`],
    ['a good one of another field', () => cursorOf('products(first: 1)')],
    ['a good one of another filter', () => cursorOf('orders(first: 1, filter: { state: DELIVERED })')],
    ['100,000 characters', () => 'A'.repeat(100_000)],
  ])('36: is refused when it is %s', async (_what, make) => {
    const after = await make();
    for (const threat of [
      { query: `{ orders(after: ${JSON.stringify(after)}) ${page} }` },
      { query: `query ($after: String) { orders(after: $after) ${page} }`, variables: { after } },
      { query: `query ($after: String = ${JSON.stringify(after)}) { orders(before: $after) ${page} }` },
    ]) {
      const answer = await attackShop(threat);
      expect(answer.codes).toEqual(['INVALID_CURSOR']);
      expect(shop.calls).toEqual([]);
      expect(answer.cpuMs).toBeLessThanOrEqual(maxCpuMs);
    }
  });

  it('36: is refused before anything reads it when it has 1,000,000 characters', async () => {
    const after = 'A'.repeat(1_000_000);
    const literal = await attackShop({ query: `{ orders(after: "${after}") ${page} }` });
    expect(literal).toMatchObject({ status: 400, codes: ['TOKEN_LIMIT'] });
    const query = `query ($after: String) { orders(after: $after) ${page} }`;
    const variable = await attackShop({ query, variables: { after } });
    expect(variable).toMatchObject({ status: 400, codes: ['VARIABLE_LIMIT'] });
    expect(Math.max(literal.cpuMs, variable.cpuMs)).toBeLessThanOrEqual(maxCpuMs);
  });
});
