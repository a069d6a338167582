import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { type CostDiffOptions, costDiff } from '../../src/cli/cost-diff.ts';
import { costDirectives } from '../kit/cost-directives.ts';

const sdlOf = (size: number, field = 'title') => `${costDirectives}
  type Query { books: [Book!]! @listSize(assumedSize: ${size}) one: Book }
  type Book { ${field}: String id: ID }`;

const one = '{ one { title } }';
const books = 'query Books { books { title } }';

const files = {
  'base.graphql': sdlOf(10),
  'other.graphql': sdlOf(10, 'name'),
  'faulty-prices.graphql': sdlOf(-1),
  'document.graphql': one,
  'broken.graphql': 'type Query {',
  'documents/one.graphql': one,
  'documents/shelf/books.graphql': books,
  'documents/README.md': 'not a document',
  'manifest.json': JSON.stringify({ a1: one, b2: books }),
  'invalid.json': JSON.stringify({ a1: '{ one { name } }' }),
  'numbers.json': JSON.stringify({ a1: 5 }),
  'list.json': JSON.stringify([one]),
  'broken.json': JSON.stringify({ a1: '{ one {' }),
  'none.json': '{}',
  'weir.config.ts': `
    import { buildSchema } from '${import.meta.resolve('graphql')}';
    import { costDirectives } from '${pathToFileURL(join(import.meta.dirname, '../kit/cost-directives.ts'))}';
    const sdl = \`type Query { books: [Book!]! @listSize(assumedSize: 11) one: Book } type Book { title: String id: ID }\`;
    export default { schema: buildSchema(costDirectives + sdl), upstreams: {} };`,
} as const;

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-cost-diff-'));
  await mkdir(at('empty'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), text);
  }
});
afterAll(() => rm(folder, { recursive: true }));

interface Given extends Partial<Omit<CostDiffOptions, 'schema' | 'pages'>> {
  readonly size?: number;
}

function diffOf({ size = 10, base = 'base.graphql', documents = 'documents', ...given }: Given = {}) {
  return costDiff({
    schema: buildSchema(sdlOf(size)),
    pages: { defaultSize: 20, maxSize: 100 },
    base: at(base),
    documents: at(documents),
    maxRise: 0,
    ceilingPoints: 1000,
    json: undefined,
    ...given,
  });
}

describe('costDiff()', () => {
  it('finds no fault where nothing has changed, in a folder and in a manifest', async () => {
    expect(await diffOf()).toEqual({
      faults: [],
      text: `document             operation  before  after  change
one.graphql                          1      1  0 %
shelf/books.graphql  Books          10     10  0 %`,
    });
    const { text, faults } = await diffOf({ documents: 'manifest.json' });
    expect(faults).toEqual([]);
    expect(text).toMatch(/^a1 .*\nb2 +Books +10 +10 +0 %$/m);
  });

  it.each([
    [0, 11, ['shelf/books.graphql, Books: costs 11 points instead of 10, more than 0 % dearer']],
    [0.1, 11, []],
    [0.1, 12, ['shelf/books.graphql, Books: costs 12 points instead of 10, more than 10 % dearer']],
    [0, 9, []],
  ])('allows a rise by %d and no more', async (maxRise, size, faults) => {
    const found = await diffOf({ maxRise, size });
    expect(found.faults).toEqual(faults);
    expect(found.text.includes('<- fails')).toBe(faults.length > 0);
  });

  it.each([
    [10, []],
    [9, ['shelf/books.graphql, Books: costs 10 points, above the ceiling of 9 for one operation']],
  ])('allows prices up to a ceiling of %i', async (ceilingPoints, faults) => {
    expect((await diffOf({ ceilingPoints })).faults).toEqual(faults);
  });

  it('does not compare what the base cannot price, and fails what the schema cannot', async () => {
    const unknown = await diffOf({ base: 'other.graphql', size: 99 });
    expect(unknown.faults).toEqual([]);
    expect(unknown.text).toMatch(/Books +none +99/);
    const { faults, text } = await diffOf({ documents: 'invalid.json' });
    expect(faults).toEqual(['a1: is not valid for the schema: Cannot query field "name" on type "Book".']);
    expect(text).toContain('<- fails');
  });

  it('writes the same as JSON', async () => {
    const json = at('diff.json');
    await diffOf({ json, size: 12, maxRise: 0.1 });
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual({
      base: at('base.graphql'),
      maxRise: 0.1,
      ceilingPoints: 1000,
      rows: [
        { document: 'one.graphql', before: 1, after: 1, factor: 1 },
        {
          document: 'shelf/books.graphql',
          operation: 'Books',
          before: 10,
          after: 12,
          factor: 1.2,
          fault: 'costs 12 points instead of 10, more than 10 % dearer',
        },
      ],
    });
  });

  it.each([
    ['a base that is missing', { base: 'missing' }, /missing: expected a file to read: ENOENT/],
    ['a base that does not parse', { base: 'broken.graphql' }, /broken\.graphql:1:13: Syntax Error: /],
    [
      'a base that is no schema',
      { base: 'document.graphql' },
      /document\.graphql: expected a schema in GraphQL's/,
    ],
    [
      'a base with a size that is none',
      { base: 'faulty-prices.graphql' },
      /faulty-prices\.graphql: .*whole number from 0/,
    ],
    [
      'documents that are missing',
      { documents: 'missing' },
      /missing: expected a folder of .* got nothing; name another with --documents/,
    ],
    ['a folder without documents', { documents: 'empty' }, /empty: expected at least one document, got none/],
    ['a manifest without documents', { documents: 'none.json' }, /expected at least one document, got none/],
    [
      'a manifest that is a list',
      { documents: 'list.json' },
      /list\.json: expected documents by their ids as a JSON object/,
    ],
    [
      'a manifest of other than texts',
      { documents: 'numbers.json' },
      /numbers\.json, "a1": expected the text of a document, got number/,
    ],
    [
      'a document that does not parse',
      { documents: 'broken.json' },
      /broken\.json, "a1":1:8: Syntax Error: /,
    ],
  ] as const)('refuses %s', async (_what, given, message) => {
    const asked = diffOf(given);
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toMatchObject({ name: 'StartError' });
  });
});

describe('weir cost diff', () => {
  it('prints the table and ends with 1 when a document is dearer, else with 0', async () => {
    const dearer = await run(['--max-rise', '0']);
    expect(dearer.code).toBe(1);
    expect(dearer.out).toMatch(/books\.graphql +Books +10 +11 +\+10 % +<- fails\n$/);
    expect(dearer.err).toBe(
      'shelf/books.graphql, Books: costs 11 points instead of 10, more than 0 % dearer\n',
    );
    expect(await run(['--max-rise', '0.1'])).toMatchObject({ code: 0, err: '' });
    expect(await run(['--max-rise', '0.1', '--ceiling', '10'])).toMatchObject({ code: 1 });
    expect(await run(['--max-rise', '1', '--documents', at('none.json')])).toMatchObject({
      code: 1,
      out: '',
    });
  });

  it.each([
    [['--max-rise', 'much'], '--max-rise: expected a number from 0 to 1000, got "much"\n'],
    [['--max-rise', ''], '--max-rise: expected a number from 0 to 1000, got ""\n'],
    [['--ceiling', '0'], '--ceiling: expected a number from 1 to 1000000000, got "0"\n'],
  ])('ends with 1 for %j', async (words, err) => {
    expect(await run(words)).toEqual({ code: 1, out: '', err });
  });

  async function run(words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    const all = ['cost', 'diff', at('base.graphql'), '--config', at('weir.config.ts'), ...words];
    const code = await runCommand(all, {
      environment: {},
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      stopped: () => Promise.reject(new Error('nothing was started')),
    });
    return { code, out, err };
  }
});
