import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { excessOfText } from '../../src/guard/shape/token-guard.ts';
import { defaultLimits } from '../guard/shape/default-limits.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { attack, maxCpuMs, type Threat, type ThreatAnswer } from '../kit/threat.ts';
import { openTinyGateway } from '../kit/tiny-gateway.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

const repeat = (count: number, part: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ');

const nested = (count: number) => `${'{a'.repeat(count)}${'}'.repeat(count)}`;

/** Three levels of fields for each, and the leaf. */
const friends = (levels: number, leaf = 'id'): string =>
  levels === 0 ? leaf : `friends(first: 1) { edges { node { ${friends(levels - 1, leaf)} } } }`;

/** Attacks on the document, by their number and the code that they are refused with. */
const refused: readonly (readonly [string, string, string])[] = [
  ['1: 4,000 nested selections', 'TOKEN_LIMIT', nested(4000)],
  ['1: 70 nested selections', 'DEPTH_LIMIT', nested(70)],
  ['1: 16 fields within each other', 'DEPTH_LIMIT', `{ viewer { user { ${friends(4, 'id { id }')} } } }`],
  [
    '1: 16 fields within each other through a fragment',
    'DEPTH_LIMIT',
    `{ viewer { user { friends { ...f } } } } fragment f on UserConnection { edges { node { ${friends(4)} } } }`,
  ],
  [
    '1: 16 fields within each other through an alias',
    'DEPTH_LIMIT',
    `{ viewer { user { a: ${friends(5)} } } }`,
  ],
  ['2: 50,000 nested selections', 'TOKEN_LIMIT', nested(50_000)],
  ['2: 50,000 selections that are never closed', 'TOKEN_LIMIT', '{a'.repeat(50_000)],
  [
    '3: 10,000 nested lists',
    'LITERAL_DEPTH',
    `{ product(id: ${'['.repeat(10_000)}${']'.repeat(10_000)}) { id } }`,
  ],
  [
    '3: 10,000 nested lists in a default',
    'LITERAL_DEPTH',
    `query ($id: ID = ${'['.repeat(10_000)}${']'.repeat(10_000)}) { product(id: $id) { id } }`,
  ],
  [
    '3: 10,000 nested lists in a type',
    'LITERAL_DEPTH',
    `query ($id: ${'['.repeat(10_000)}ID) { product(id: $id) { id } }`,
  ],
  [
    '4: 5,000 nested input objects',
    'LITERAL_DEPTH',
    `{ products(filter: ${'{a:'.repeat(5000)}1${'}'.repeat(5000)}) { totalCount } }`,
  ],
  [
    '7: 60 times 60 inline fragments',
    'TOKEN_LIMIT',
    `{ ${repeat(60, () => `... on Query { viewer { ${repeat(60, () => '... on Viewer { user { id } }')} } }`)} }`,
  ],
  ['8: a field 3,000 times', 'TOKEN_LIMIT', `{ viewer { ${repeat(3000, () => 'user { id }')} } }`],
  [
    '9: 1,500 fragments merged pairwise',
    'FRAGMENT_LIMIT',
    `${repeat(1500, (at) => `fragment f${at} on Query { viewer { user { id } } }`)} { ${repeat(1500, (at) => `...f${at}`)} }`,
  ],
  [
    '11: a circle of 2,000 fragments',
    'FRAGMENT_LIMIT',
    `{ ...f0 } ${repeat(2000, (at) => `fragment f${at} on Query { ...f${(at + 1) % 2000} }`)}`,
  ],
  [
    '11: a circle of 50 fragments',
    'GRAPHQL_VALIDATION_FAILED',
    `{ ...f0 } ${repeat(50, (at) => `fragment f${at} on Query { ...f${(at + 1) % 50} }`)}`,
  ],
  [
    '12: 10,000 unknown directives',
    'DIRECTIVE_LIMIT',
    `{ viewer ${repeat(10_000, () => '@x')} { user { id } } }`,
  ],
  [
    '13: 2,000 times @skip',
    'DIRECTIVE_LIMIT',
    `{ viewer ${repeat(2000, () => '@skip(if: false)')} { user { id } } }`,
  ],
  [
    '13: 2,000 times @include in a fragment',
    'DIRECTIVE_LIMIT',
    `{ ...f } fragment f on Query { viewer ${repeat(2000, () => '@include(if: true)')} { user { id } } }`,
  ],
  ['14: 10,000 aliases', 'ALIAS_LIMIT', `{ ${repeat(10_000, (at) => `a${at}: __typename`)} }`],
  [
    '14: 10,000 aliases in a fragment',
    'ALIAS_LIMIT',
    `{ ...f } fragment f on Query { ${repeat(10_000, (at) => `a${at}: __typename`)} }`,
  ],
  [
    '14: aliases multiplied by spreads',
    'ALIAS_LIMIT',
    `{ viewer { user { ${repeat(7, () => '...f')} } } } fragment f on User { ${repeat(5, (at) => `a${at}: id`)} }`,
  ],
  ['14: 21 root fields', 'ROOT_FIELD_LIMIT', `{ ${repeat(21, (at) => `a${at}: __typename`)} }`],
  ['17: 5,000 unknown fields', 'TOKEN_LIMIT', `{ viewer { ${repeat(5000, (at) => `unknown${at}`)} } }`],
  [
    '21: 10,000 unused variables',
    'VARIABLE_LIMIT',
    `query (${repeat(10_000, (at) => `$v${at}: Int`)}) { __typename }`,
  ],
  ['22: a block string of 900 kB', 'TOKEN_LIMIT', `{ product(id: """${'x'.repeat(900_000)}""") { id } }`],
  [
    '22: a block string of 900,000 lines',
    'TOKEN_LIMIT',
    `{ product(id: """${'\r'.repeat(400_000)}""") { id } }`,
  ],
  ['22: a comment of 1 MB', 'TOKEN_LIMIT', `#${'x'.repeat(1_000_000)}\n{ __typename }`],
  ['22: 300,000 comments', 'TOKEN_LIMIT', `${'#\n'.repeat(300_000)}{ __typename }`],
  ['22: 500,000 commas', 'TOKEN_LIMIT', `${','.repeat(500_000)}{ __typename }`],
  ['22: 60,000 comments', 'TOKEN_LIMIT', `${'#\n'.repeat(60_000)}{ __typename }`],
  ['22: a name of 100,000 letters', 'TOKEN_LIMIT', `{ ${'x'.repeat(100_000)} }`],
  ['22: a NUL', 'GRAPHQL_PARSE_FAILED', '{ __typename \u0000 }'],
  ['22: a lone surrogate', 'GRAPHQL_PARSE_FAILED', '{ __typename \ud800 }'],
  ['22: a bidirectional control', 'GRAPHQL_PARSE_FAILED', '{ __typename \u202e }'],
  ['22: a string without an end', 'GRAPHQL_PARSE_FAILED', '{ product(id: "'],
];

/** Attacks as large as the bounds let them be: what their validation or execution takes. */
const atTheBounds: readonly (readonly [string, string, number])[] = [
  ['1: 15 fields within each other', `{ viewer { user { ${friends(4)} } } }`, 200],
  [
    '7: inline fragments',
    `{ viewer { user { ${repeat(200, () => '... on User { friends { totalCount } }')} } } }`,
    200,
  ],
  [
    '7: inline fragments of types in turn',
    `{ viewer { user { ${repeat(130, (at) => `... on ${at % 2 ? 'User' : 'Node'} { ... on User { friends { totalCount } } }`)} } } }`,
    200,
  ],
  ['8: a field 490 times', `{ viewer { user { ${repeat(490, () => 'friends { totalCount }')} } } }`, 200],
  ['8: a field 200 times', `{ viewer { user { ${repeat(200, () => 'friends { totalCount }')} } } }`, 200],
  ['8: a leaf 1,980 times', `{ viewer { user { ${repeat(1980, () => 'id')} } } }`, 200],
  [
    '8: nine levels 70 times',
    `{ ${repeat(70, () => 'viewer { user { friends { edges { node { id friends { edges { node { id } } } } } } } }')} }`,
    200,
  ],
  [
    '8: fields that cannot be merged',
    `{ viewer { user { ${repeat(190, (at) => `friends(first: ${at}) { totalCount }`)} } } }`,
    400,
  ],
  [
    '8: fields that cannot be merged, below fields that can',
    `{ viewer { user { ${repeat(20, (group) => `friends { edges { node { ${repeat(8, (at) => `friends(first: ${group * 8 + at}) { totalCount }`)} } } }`)} } } }`,
    400,
  ],
  [
    '9: 49 fragments merged pairwise',
    `{ viewer { user { ${repeat(49, (at) => `...f${at}`)} } } } ${repeat(49, (at) => `fragment f${at} on User { ${repeat(6, () => 'friends { totalCount }')} }`)}`,
    200,
  ],
  [
    '9: fragments that spread each other',
    `{ viewer { user { ...f0 } } } ${repeat(49, (at) => `fragment f${at} on User { friends { totalCount } ${repeat(Math.min(14, 48 - at), (next) => `...f${at + next + 1}`)} }`)}`,
    200,
  ],
  [
    '11: fragments in circles',
    `{ ...f0 } ${repeat(50, (at) => `fragment f${at} on Query { ${repeat(15, (next) => `...f${(at + next + 1) % 50}`)} }`)}`,
    400,
  ],
  ['12: 20 unknown directives', `{ viewer ${repeat(20, () => '@x')} { user { id } } }`, 400],
  ['16: __typename 500 times', `{ ${repeat(500, () => '__typename')} }`, 200],
  ['17: 1,900 unknown fields', `{ viewer { ${repeat(1900, (at) => `unknown${at}`)} } }`, 400],
  [
    '17: 400 unknown arguments',
    `{ viewer { user { friends(${repeat(400, (at) => `first${at}: 1`)}) { totalCount } } } }`,
    400,
  ],
  ['21: 100 unused variables', `query (${repeat(100, (at) => `$v${at}: Int`)}) { __typename }`, 400],
  [
    '21: operations that share fragments with variables',
    `${repeat(60, (at) => `query q${at}($a: Int) { ...f }`)} fragment f on Query { ${repeat(100, () => 'orders(first: $a) { totalCount }')} }`,
    400,
  ],
  [
    '22: 1,990 empty lines before 50 faults',
    `${'\n'.repeat(1990)}{ viewer { ${repeat(60, (at) => `unknown${at}`)} } }`,
    400,
  ],
  ['22: 65,000 escapes', `{ product(id: "${'\\n'.repeat(65_000)}") { id } }`, 200],
  ['22: 130,000 commas', `${','.repeat(130_000)}{ __typename }`, 200],
  ['22: a byte order mark', '\ufeff{ __typename }', 200],
];

async function attackShop(threat: Threat): Promise<ThreatAnswer> {
  const authorization = `Bearer ${await shop.tokenOf('user-1', 'orders:read')}`;
  return attack(shop.url, threat, { authorization });
}

describe('an attack by a document', () => {
  it.each(refused)('%s: is refused as %s', async (_name, code, query) => {
    shop.calls.length = 0;
    const { status, codes, body, cpuMs } = await attackShop({ query });
    expect({ status, codes: [...new Set(codes)] }).toEqual({ status: 400, codes: [code] });
    expect(body.data).toBeUndefined();
    if (code.endsWith('LIMIT') || code === 'LITERAL_DEPTH') expect(codes).toHaveLength(1);
    expect(shop.calls).toEqual([]);
    expect(cpuMs).toBeLessThanOrEqual(maxCpuMs);
  });

  it.each(atTheBounds)('%s: is within its bounds', async (_name, query, status) => {
    const answer = await attackShop({ query });
    expect(answer.status).toBe(status);
    expect(answer.body.errors?.length ?? 0).toBeLessThanOrEqual(51);
    expect(answer.cpuMs).toBeLessThanOrEqual(maxCpuMs);
  });

  it('2: takes less than 2 ms to count the tokens of 50,000 nested selections', () => {
    const source = nested(50_000);
    const times = Array.from({ length: 5 }, () => {
      const before = process.threadCpuUsage();
      expect(excessOfText(source, defaultLimits)).toBe('maxTokens');
      return process.threadCpuUsage(before).user / 1000;
    });
    expect(Math.min(...times)).toBeLessThan(2);
  });

  it.each([
    ['an unused variable', '{ __typename }', { a: 'X' }],
    ['a declared variable', 'query ($a: [[ID]]) { __typename }', { a: 'X' }],
  ])('6: 200,000 nested arrays in %s are refused', async (_where, query, variables) => {
    const nestedText = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const variablesText = JSON.stringify(variables).replace('"X"', nestedText);
    const answer = await attackShop({ query, variablesText });
    expect(answer).toMatchObject({ status: 400, codes: ['VARIABLE_LIMIT'] });
    expect(answer.cpuMs).toBeLessThanOrEqual(maxCpuMs);
  });

  it.each<readonly [string, unknown, string]>([
    ['bytes', { a: 'x'.repeat(300_000) }, 'VARIABLE_LIMIT'],
    ['bytes that are escaped', { a: '"'.repeat(400_000) }, 'VARIABLE_LIMIT'],
    ['names', Object.fromEntries(Array.from({ length: 70_000 }, (_, at) => [`n${at}`, 1])), 'VARIABLE_LIMIT'],
    ['objects', { a: Array.from({ length: 300_000 }, () => ({})) }, 'VARIABLE_LIMIT'],
    ['values in a list', { a: Array.from({ length: 400_000 }, () => 1) }, 'LIST_ARG_LIMIT'],
    [
      'values in lists',
      { a: Array.from({ length: 490 }, () => Array.from({ length: 490 }, () => 0.5)) },
      'VARIABLE_LIMIT',
    ],
  ])('refuses variables of too many %s', async (_what, variables, code) => {
    const answer = await attackShop({ query: '{ __typename }', variables });
    expect(answer).toMatchObject({ status: 400, codes: [code] });
    expect(answer.cpuMs).toBeLessThanOrEqual(maxCpuMs);
  });

  it('17: tells 50 of 1,500 unknown fields, and that there are more', async () => {
    const { body, codes } = await attackShop({ query: `{ viewer { ${repeat(1500, (at) => `u${at}`)} } }` });
    expect(body.errors).toHaveLength(51);
    expect(codes[50]).toBe('TOO_MANY_ERRORS');
    expect(new Set(codes.slice(0, 50))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
  });

  it('tells 50 of 400 faults in the values of variables, and that there are more', async () => {
    const ids = Array.from({ length: 400 }, () => null);
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const { status, codes, cpuMs } = await attackShop({ query, variables: { ids } });
    expect(status).toBe(400);
    expect(codes).toEqual([...Array.from({ length: 50 }, () => 'BAD_USER_INPUT'), 'TOO_MANY_ERRORS']);
    expect(cpuMs).toBeLessThanOrEqual(maxCpuMs);
  });

  it.each([
    ['no name', undefined],
    ['a name that there is not', 'c'],
  ])('23: two operations with %s are refused', async (_what, operationName) => {
    const query = 'query a { __typename } query b { __typename }';
    const { status, body } = await attackShop({ query, ...(operationName && { operationName }) });
    expect({ status, count: body.errors?.length, data: body.data }).toEqual({
      status: 400,
      count: 1,
      data: undefined,
    });
  });

  it('keeps every connection: 100 attacks at once, each refused, and a good operation among them', async () => {
    const threats = refused.slice(0, 20);
    const answers = await Promise.all([...threats, ...threats].map(([, , query]) => attackShop({ query })));
    expect(answers.map(({ codes }) => codes[0])).toEqual([...threats, ...threats].map(([, code]) => code));
  });
});

describe('an attack by a subscription', () => {
  it.each([
    ['two root fields', 'subscription { a: ticks b: ticks }'],
    [
      'two root fields through a fragment',
      'subscription { ticks ...f } fragment f on Subscription { b: ticks }',
    ],
    ['@skip on its root', 'subscription ($s: Boolean = true) { ticks @skip(if: $s) }'],
    ['introspection at its root', 'subscription { __typename }'],
  ])('24: with %s is refused', async (_what, query) => {
    await using tiny = await openTinyGateway();
    expect(await attack(tiny.url, { query })).toMatchObject({
      status: 400,
      codes: ['GRAPHQL_VALIDATION_FAILED'],
    });
    expect(tiny.probe.contexts).toEqual([]);
  });
});

describe('what an attack leaves in the log', () => {
  it('22: has no control character in it', async () => {
    await using tiny = await openTinyGateway();
    const controls = '\u0000\u001b[31m\u202e\u2066\u2028\r\n';
    await tiny.ask(`{ fast } #${controls}`, { [controls]: controls }, {});
    await tiny.ask(`{ ${controls} }`);
    await tiny.ask(`{ fail(kind: "${controls.replaceAll(/[\r\n]/g, '')}") }`);
    expect(tiny.log.operations.length).toBeGreaterThan(0);
    const written = JSON.stringify([tiny.log.lines, tiny.log.operations]);
    for (const control of ['\u202e', '\u2066', '\u2028', '[31m']) expect(written).not.toContain(control);
  });
});
