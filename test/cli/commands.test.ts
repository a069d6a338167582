import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSchema, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import type { Environment } from '../../src/config/environment.ts';
import { openTinyGateway, preflighted } from '../kit/tiny-gateway.ts';

const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;
const graphql = import.meta.resolve('graphql');

/** A field of the web, and its type as `extensions` show it. */
function facesConfig(extensions: string): string {
  const hidden = extensions === '{}' ? "{ weirVariants: ['web'] }" : '{}';
  return `
    import { GraphQLInt, GraphQLObjectType, GraphQLSchema } from '${graphql}';
    const Other = new GraphQLObjectType({ name: 'Other', extensions: ${extensions}, fields: { c: { type: GraphQLInt } } });
    const fields = { a: { type: GraphQLInt }, b: { type: Other, extensions: ${hidden} } };
    const schema = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) });
    export default { schema, upstreams: {}, variants: { web: {}, mobile: {} } };`;
}

/** Configurations on disk, by file name. */
const files = {
  'good.config.ts': `
    import { defineConfig } from '${index}';
    import { buildSchema } from '${graphql}';
    const schema: object = buildSchema('type Query { zebra: Int ant: Int } "unused" scalar Zoo');
    export default defineConfig({ schema, upstreams: { library: { target: '127.0.0.1:1' } }, log: { level: 'silent' }, budget: { mode: 'off' } });`,
  'priced.config.ts': `
    import { buildSchema } from '${graphql}';
    const schema = buildSchema(\`
      directive @cost(weight: String!) on FIELD_DEFINITION
      directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
      type Query {
        ants: [Int] @cost(weight: "3") @listSize(assumedSize: 7)
        bees(first: Int): [Int] @listSize(slicingArguments: ["first"], requireOneSlicingArgument: false)
      }\`);
    export default { schema, upstreams: {}, pages: { defaultSize: 5, maxSize: 50 } };`,
  'pages.config.ts': `
    import { buildSchema } from '${graphql}';
    export default { schema: buildSchema('type Query { ant: Int }'), upstreams: {}, pages: { maxSize: 0 } };`,
  'faces.config.ts': facesConfig('{}'),
  'leaking.config.ts': facesConfig("{ weirVariants: ['web'] }"),
  'faulty.config.ts': `export default { schema: 5, upstreams: {}, server: { port: 'x' } };`,
  'empty.config.ts': 'export const config = {};',
  'broken.config.ts': 'export default {;',
  'throwing.config.ts': `throw new Error('the schema does not build');`,
  'orphan.config.ts': `import './nowhere.ts'; export default {};`,
} as const;

let folder: string;
const at = (name: keyof typeof files) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-cli-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true }));

describe('runCommand()', () => {
  it('prints how it is used when it is asked for help', async () => {
    for (const words of [['--help'], ['start', '--help']]) {
      expect(await run(words)).toEqual({ code: 0, out: expect.stringMatching(/^weir COMMAND/), err: '' });
    }
  });

  it.each([
    [
      [],
      /^Expected one command \(start, check, schema, schema diff, documents, token, revoke, cost, cost diff, advise\), got ""\./,
    ],
    [['serve'], /^Expected one command .* got "serve"\./],
    [['constructor'], /^Expected one command .* got "constructor"\./],
    [['start', 'now'], /^Expected one command .* got "start now"\./],
    [['cost'], /^Expected "cost DOCUMENT", got "cost"\./],
    [['cost', 'a', 'b'], /^Expected "cost DOCUMENT", got "cost a b"\./],
    [['cost', 'diff'], /^Expected "cost diff BASE", got "cost diff"\./],
    [['start', '--port', '1'], /^Unknown option '--port'/],
    [['check', '--config'], /^Option '--config <value>' argument missing/],
  ])('ends with 2 and says how it is used when it is called with %j', async (words, message) => {
    const { code, out, err } = await run(words);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toContain('weir COMMAND');
    expect(err).not.toMatch(/\n {4}at /);
  });

  it.each(['start', 'check', 'schema'])(
    'ends %s with 1 and one line when the file is missing',
    async (command) => {
      expect(await run([command, '--config', 'no-such.config.ts'])).toEqual({
        code: 1,
        out: '',
        err: 'no-such.config.ts: there is no such file; name another with --config\n',
      });
    },
  );

  it('ends with 1 and says what was expected when the file exports no configuration', async () => {
    const { code, err } = await run(['check', '--config', at('empty.config.ts')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^.*empty\.config\.ts: expected a default export, .*, got none\n$/);
  });

  it.each([
    ['broken.config.ts', /cannot be loaded: .*/],
    ['throwing.config.ts', /cannot be loaded: Error: the schema does not build\n {4}at /],
    ['orphan.config.ts', /cannot be loaded: .*nowhere\.ts/],
  ] as const)('ends with 1 and shows where %s is wrong', async (name, message) => {
    const { code, err } = await run(['check', '--config', at(name)]);
    expect(code).toBe(1);
    expect(err).toContain(`${at(name)}: `);
    expect(err).toMatch(message);
  });
});

describe('weir check', () => {
  it('says that a configuration is valid', async () => {
    const result = await run(['check', '--config', at('good.config.ts')]);
    expect(result).toEqual({ code: 0, out: 'The configuration is valid.\n', err: '' });
  });

  it('ends with 1 and a line for each fault, of the environment too', async () => {
    const { code, out, err } = await run(['check', '--config', at('faulty.config.ts')], { WEIR_NONE: '1' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err.trimEnd().split('\n')).toEqual([
      'WEIR_NONE: unknown variable; see the README for those that there are',
      'schema: expected a GraphQLSchema, got 5',
      "server.port: expected a whole number from 0 to 65535, got 'x'",
    ]);
  });

  it('refuses a variant that leads to what it hides', async () => {
    const { code, out, err } = await run(['check', '--config', at('leaking.config.ts')]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe('variants.mobile.schema: Query.b is shown, and its type Other is hidden\n');
  });

  it('lists the options without a file when it is asked to', async () => {
    const { code, out } = await run(['check', '--options']);
    expect(code).toBe(0);
    expect(out).toContain(
      'server.port | default 4000 | 0 to 65535 | PORT | Port of the graph; 0 takes a free one\n',
    );
    expect(out).toContain('upstreams.<name>.target | required | WEIR_UPSTREAM_<NAME> | ');
  });
});

describe('weir schema', () => {
  it('prints the schema sorted, and nothing else', async () => {
    const { code, out, err } = await run(['schema', '--config', at('good.config.ts')], { WEIR_NONE: '1' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(
      `${printSchema(buildSchema('type Query { ant: Int zebra: Int } "unused" scalar Zoo'))}\n`,
    );
  });

  it('prints prices, with the page sizes of the configuration', async () => {
    const { code, out } = await run(['schema', '--config', at('priced.config.ts')]);
    expect(code).toBe(0);
    expect(out).toMatch(/ants.*@cost\(weight: "3"\)/);
    expect(out).toMatch(/ants.*@listSize\(assumedSize: 7\)/);
    expect(out).toMatch(/bees.*@listSize\(assumedSize: 5, .*\) @listBound\(maximum: 50\)/s);
  });

  it('prints what a variant shows when one is named', async () => {
    const printed = async (...words: string[]) =>
      (await run(['schema', '--config', at('faces.config.ts'), ...words])).out;
    expect(await printed()).toContain('type Other');
    expect(await printed('--variant', 'web')).toBe(await printed());
    expect(await printed('--variant', 'mobile')).toBe(
      `${printSchema(buildSchema('type Query { a: Int }'))}\n`,
    );
    const { code, err } = await run(['schema', '--config', at('faces.config.ts'), '--variant', 'tv']);
    expect({ code, err }).toEqual({
      code: 1,
      err: '--variant: expected the name of a variant (web, mobile), got "tv"\n',
    });
  });

  it('ends with 1 when the page sizes are none', async () => {
    const { code, err } = await run(['schema', '--config', at('pages.config.ts')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^pages: expected a whole number from 1 to 1000\n/);
  });

  it('ends with 1 when there is no schema to print', async () => {
    const { code, err } = await run(['schema', '--config', at('faulty.config.ts')]);
    expect({ code, err }).toEqual({ code: 1, err: 'schema: expected a GraphQLSchema\n' });
  });
});

describe('weir start', () => {
  it('serves until it is stopped', async () => {
    const stop = Promise.withResolvers<void>();
    let url = '';
    const words = ['start', '--config', at('good.config.ts')];
    const result = await run(words, quiet, async (printed) => {
      url = /^gateway ready on (\S+)\n$/.exec(printed)?.[1] ?? '';
      const answer = await fetch(`${url}?query={ant}`, { headers: preflighted });
      expect(await answer.json()).toEqual({ data: { ant: null } });
      stop.resolve();
      await stop.promise;
    });
    expect(result).toEqual({ code: 0, out: `gateway ready on ${url}\n`, err: '' });
    await expect(fetch(url)).rejects.toThrow();
  });

  it('ends with 1 and one line when the port is taken', async () => {
    await using tiny = await openTinyGateway();
    const { port } = new URL(tiny.url);
    const result = await run(['start', '--config', at('good.config.ts')], { PORT: port });
    const err = `Port ${port} on 127.0.0.1 is taken: set PORT (server.port) to another.\n`;
    expect(result).toEqual({ code: 1, out: '', err });
  });

  it('ends with 1 and a line for each fault', async () => {
    const { code, err } = await run(['start', '--config', at('faulty.config.ts')]);
    expect(code).toBe(1);
    expect(err.trimEnd().split('\n')).toHaveLength(2);
  });
});

/** Free ports, and no log beside what the command prints. */
const quiet = { PORT: '0', ADMIN_PORT: '0', WEIR_LOG_LEVEL: 'silent' };

async function run(
  words: readonly string[],
  environment: Environment = {},
  whileRunning: (printed: string) => Promise<void> = async () => {},
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const ready = Promise.withResolvers<void>();
  const code = await runCommand(words, {
    environment,
    out: (text) => {
      out += text;
      ready.resolve();
    },
    err: (text) => {
      err += text;
    },
    // Asked for before the start, resolved when there is something to stop.
    stopped: () => ready.promise.then(() => whileRunning(out)),
  });
  return { code, out, err };
}
