import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CostOptions, cost } from '../../src/cli/cost.ts';
import { costDirectives } from '../kit/cost-directives.ts';

const schema = buildSchema(`${costDirectives}
  type Query {
    books(first: Int): [Book!]! @listSize(slicingArguments: ["first"], requireOneSlicingArgument: false)
    endless: [Book!]
  }
  type Book { title: String author: Author }
  type Author { name: String }`);

const page = 'query Page($first: Int) { books(first: $first) { title author { name } } }';

const files = {
  'page.graphql': page,
  'two.graphql': `${page} query Other { books(first: 1) { title } }`,
  'endless.graphql': '{ endless { title } }',
  'fragment.graphql': 'fragment Title on Book { title }',
  'broken.graphql': 'query {\n  books {',
  'invalid.graphql': '{ books { pages } endless }',
  'three.json': '{ "first": 3 }',
  'none.json': '{}',
  'text.json': '{ "first": "three" }',
  'list.json': '[3]',
  'broken.json': '{ first: 3 }',
} as const;

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-cost-'));
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
});
afterAll(() => rm(folder, { recursive: true }));

function costOf(file: keyof typeof files | 'missing', given: Partial<CostOptions> = {}): Promise<string> {
  const none = { variables: undefined, operation: undefined, json: undefined };
  return cost({ schema, pages: { defaultSize: 20, maxSize: 100 }, file: at(file), ...none, ...given });
}

describe('cost()', () => {
  it('prints the tree of fields and the totals for variables', async () => {
    expect(await costOf('page.graphql', { variables: at('three.json') })).toBe(
      `field               own  count  inputs  total
operation: Query      0      1       0      6
  books: Book         1      3       0      6
    title: String     0      1       0      0
    author: Author    1      1       0      1
      name: String    0      1       0      0

points         6  what is charged
typeCost       7  IBM GraphQL Cost Directives
fieldCost      4  IBM GraphQL Cost Directives
upstreamCalls  0  at most
model version  1
`,
    );
  });

  it('prints the default page when the variables leave it out, and the worst case without any', async () => {
    expect(await costOf('page.graphql', { variables: at('none.json') })).toMatch(/^points +40 /m);
    const worst = await costOf('page.graphql');
    expect(worst).toMatch(/^Without variables, so this is the worst case\./);
    expect(worst).toMatch(/^points +200 /m);
  });

  it('prices the operation that is named', async () => {
    const printed = await costOf('two.graphql', { operation: 'Other' });
    expect(printed).toMatch(/^points +1 /m);
  });

  it('says where there is no bound', async () => {
    expect(await costOf('endless.graphql')).toMatch(/^points +unbounded/m);
  });

  it('writes the same as JSON', async () => {
    const json = at('price.json');
    await costOf('page.graphql', { variables: at('three.json'), json });
    expect(JSON.parse(await readFile(json, 'utf8'))).toMatchObject({
      modelVersion: '1',
      points: 6,
      typeCost: 7,
      fieldCost: 4,
      upstreamCalls: 0,
      upstreams: {},
      fields: { path: '', total: 6, children: [{ path: 'books', count: 3, total: 6 }] },
    });
  });

  it.each([
    ['a document that is missing', 'missing', {}, /missing: expected a file to read: ENOENT/],
    ['a document that does not parse', 'broken.graphql', {}, /broken\.graphql:2:10: Syntax Error: /],
    [
      'a document that is not valid, with a line for each fault',
      'invalid.graphql',
      {},
      /^\S+invalid\.graphql:1:11: Cannot query field "pages" .*\n\S+invalid\.graphql:1:19: Field "endless" /,
    ],
    [
      'a document without an operation',
      'fragment.graphql',
      {},
      /fragment\.graphql:1:1: Fragment "Title" is never used/,
    ],
    [
      'several operations',
      'two.graphql',
      {},
      /expected one operation; name one with --operation, got Page, Other/,
    ],
    [
      'an operation that is not there',
      'two.graphql',
      { operation: 'Third' },
      /expected "Third", got Page, Other/,
    ],
    [
      'variables that are missing',
      'page.graphql',
      { variables: 'missing' },
      /missing: expected a file to read/,
    ],
    [
      'variables that are no JSON',
      'page.graphql',
      { variables: 'broken.json' },
      /broken\.json: expected variables as JSON: /,
    ],
    [
      'variables that are a list',
      'page.graphql',
      { variables: 'list.json' },
      /list\.json: expected variables as a JSON object, got \[3\]/,
    ],
    [
      'variables that do not fit',
      'page.graphql',
      { variables: 'text.json' },
      /text\.json: Variable "\$first" has invalid value: /,
    ],
  ] as const)('refuses %s', async (_what, file, given, message) => {
    const { variables, ...rest } = { variables: undefined, ...given };
    const asked = costOf(file, { ...rest, variables: variables && at(variables) });
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toMatchObject({ name: 'StartError' });
  });
});
