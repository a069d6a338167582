import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { type SchemaDiffOptions, schemaDiff } from '../../src/cli/schema-diff.ts';

const removed = (date: string) =>
  `@deprecated(reason: "Use title. Deprecated since 2026-01-01. Removed after ${date}.")`;
const base = `type Query { book(id: ID, old: Int): Book books: [Book] }
  type Book { id: ID! title: String! name: String ${removed('2026-11-01')} label: String ${removed('2027-03-01')} pages: Int }`;
/** After both dates but the last. */
const nowMs = Date.UTC(2026, 10, 23);

const graphql = import.meta.resolve('graphql');
const configOf = (variants: string) => `
  import { buildSchema } from '${graphql}';
  const schema = buildSchema('type Query { book: Int }');
  const mobile = buildSchema('type Query { mobile: Int }');
  export default { schema, upstreams: {}, budget: { mode: 'off' }, variants: ${variants} };`;

const files = {
  'base.graphql': base,
  'broken.graphql': 'type Query {',
  'document.graphql': '{ book { id } }',
  'documents/detail.graphql': 'query Detail { book { id title } }',
  'documents/list.graphql': 'query List { books { id pages } }',
  'small/web/one.graphql': '{ book }',
  'small/documents/web/one.graphql': '{ book }',
  'small/documents/mobile/two.graphql': '{ mobile }',
  'small/base.graphql': 'type Query { book: Int mobile: Int }',
  'small/weir.config.ts': configOf('{ web: {}, mobile: { schema: mobile } }'),
} as const;

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-schema-diff-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), text);
  }
});
afterAll(() => rm(folder, { recursive: true }));

function diffOf(sdl: string, given: Partial<SchemaDiffOptions> = {}) {
  return schemaDiff({
    schema: buildSchema(sdl),
    base: at('base.graphql'),
    documents: at('documents'),
    strict: false,
    nowMs,
    json: undefined,
    ...given,
  });
}

/** The base with parts of it replaced. */
const changed = (...changes: readonly (readonly [from: string, to: string])[]) =>
  changes.reduce((sdl, [from, to]) => sdl.replace(from, to), base);

const dropName = [`name: String ${removed('2026-11-01')}`, ''] as const;
const dropLabel = [`label: String ${removed('2027-03-01')}`, ''] as const;
const dropPages = ['pages: Int', ''] as const;

describe('schemaDiff()', () => {
  it('has nothing to say where nothing has changed, but what should have gone', async () => {
    expect(await diffOf(base)).toEqual({
      faults: [],
      text: `Nothing has changed.

still there  was to be removed  documents
Book.name    2026-11-01`,
    });
    expect((await diffOf(base, { nowMs: Date.UTC(2026, 10, 1) - 1 })).text).toBe('Nothing has changed.');
    expect((await diffOf(base, { nowMs: Date.UTC(2026, 10, 1) })).text).toContain('was to be removed');
  });

  it('fails a breaking change that a stored document notices, and names who', async () => {
    const { text, faults } = await diffOf(changed(dropPages, dropName));
    expect(faults).toEqual([
      "Book.pages: Field 'pages' was removed from object type 'Book': used by list.graphql",
      'list.graphql: is not valid for the schema: Cannot query field "pages" on type "Book". Did you mean "label"?',
    ]);
    expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['level', 'path', 'change', 'documents'],
      [
        'breaking',
        'Book.name',
        "Field 'name' (deprecated) was removed from object type 'Book'",
        'announced for 2026-11-01',
      ],
      [
        'breaking',
        'Book.pages',
        "Field 'pages' was removed from object type 'Book'",
        'list.graphql',
        'was not announced',
      ],
    ]);
  });

  it('fails a change of type that leaves documents valid', async () => {
    const { faults } = await diffOf(changed(['title: String!', 'title: String']));
    expect(faults).toEqual([
      "Book.title: Field 'Book.title' changed type from 'String!' to 'String': used by detail.graphql",
    ]);
  });

  it('lets pass what no stored document notices, unless it is strict and nobody announced it', async () => {
    const sdl = changed(dropName, dropLabel, [', old: Int', '']);
    expect((await diffOf(sdl)).faults).toEqual([]);
    const { faults, text } = await diffOf(sdl, { strict: true });
    expect(faults).toEqual([
      "Book.label: Field 'label' (deprecated) was removed from object type 'Book': no stored document uses it",
      "Query.book(old:): Argument 'old: Int' was removed from field 'Query.book': no stored document uses it",
    ]);
    expect(text).toMatch(/Book\.label .* announced for 2027-03-01, which is still to come$/m);
    expect(text).toMatch(/Query\.book\(old:\) .* was not announced$/m);
    expect((await diffOf(changed(dropName), { strict: true })).faults).toEqual([]);
  });

  it('fails a document that has to give what it need not before', async () => {
    const before = changed(['id: ID,', 'id: ID! = "1",']);
    await writeFile(at('before.graphql'), before);
    const { faults, text } = await diffOf(before.replace(' = "1"', ''), { base: at('before.graphql') });
    expect(text).toMatch(/^breaking {2}Query\.book\(id:\)/m);
    expect(faults).toEqual([
      expect.stringMatching(
        /^detail\.graphql: is not valid for the schema: Argument "Query\.book\(id:\)" .* required/,
      ),
    ]);
  });

  it('names three documents of many in a cell, and all of them in faults and in the JSON', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await mkdir(at('many'));
    for (const name of names) await writeFile(at(`many/${name}.graphql`), '{ books { pages } }');
    const json = at('diff.json');
    const { text, faults } = await diffOf(changed(['pages: Int', 'pages: String']), {
      documents: at('many'),
      json,
    });
    expect(text).toMatch(/ a\.graphql, b\.graphql, c\.graphql, 2 more$/m);
    expect(faults).toEqual([expect.stringMatching(/used by a\.graphql, .*, e\.graphql$/)]);
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual({
      base: at('base.graphql'),
      strict: false,
      changes: [
        {
          level: 'breaking',
          path: 'Book.pages',
          message: "Field 'Book.pages' changed type from 'Int' to 'String'",
          documents: names.map((name) => `${name}.graphql`),
          note: '',
          isAnnounced: false,
        },
      ],
      overdue: [{ path: 'Book.name', removal: '2026-11-01', documents: [] }],
      invalid: [],
    });
  });

  it('reads the base from a commit', async () => {
    const git = (...words: readonly string[]) =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.example', ...words], {
        stdio: 'pipe',
      });
    git('init', '-q');
    git('add', 'base.graphql');
    git('commit', '-qm', 'base');
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect((await diffOf(changed(dropPages), { base: 'HEAD:base.graphql' })).faults).toHaveLength(2);
      await expect(diffOf(base, { base: 'HEAD:gone.graphql' })).rejects.toThrow(
        /^HEAD:gone\.graphql: expected a file, or one of a commit as git shows it: fatal: path 'gone\.graphql' does not exist/,
      );
      await expect(diffOf(base, { base: '--output=x:y' })).rejects.toThrow(/^--output=x:y: .* fatal: /);
    } finally {
      process.chdir(before);
    }
  });

  it.each([
    ['missing', /missing: expected a file to read: ENOENT/],
    ['broken.graphql', /broken\.graphql:1:13: Syntax Error: /],
    [
      'document.graphql',
      /document\.graphql: expected a schema in GraphQL's definition language: it has no type Query/,
    ],
  ])('refuses the base %s', async (name, message) => {
    const asked = diffOf(base, { base: at(name) });
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toMatchObject({ name: 'StartError' });
  });
});

describe('weir schema diff', () => {
  it('compares the first variant, or the one that is named, by its own documents', async () => {
    expect(await run([])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^breaking {2}Query\.mobile /m),
    });
    const mobile = await run(['--variant', 'mobile']);
    expect(mobile).toMatchObject({ code: 0, out: expect.stringMatching(/^breaking {2}Query\.book /m) });
    const other = await run(['--variant', 'mobile', '--documents', at('small/documents/web')]);
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('used by one.graphql') });
    expect(await run(['--strict'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no stored document uses it'),
    });
  });

  it('names the variants that there are', async () => {
    expect(await run(['--variant', 'tv'])).toEqual({
      code: 1,
      out: '',
      err: '--variant: expected the name of a variant (web, mobile), got "tv"\n',
    });
  });

  async function run(words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    const all = [
      'schema',
      'diff',
      at('small/base.graphql'),
      '--config',
      at('small/weir.config.ts'),
      ...words,
    ];
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
