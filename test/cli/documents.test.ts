import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';

const root = join(import.meta.dirname, '../..');
const good = '{ rateLimit { limit } }\n';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-documents-cli-'));
  await mkdir(at('good'));
  await mkdir(at('bad'));
  await writeFile(at('good/limit.graphql'), good);
  await writeFile(at('bad/one.graphql'), '{ nothing }');
  await writeFile(at('bad/two.graphql'), '{');
  const config = (manifest: string) => `import shop from '${root}/weir.config.ts';
export default { ...shop, variants: { web: {}, mobile: { documents: { manifests: ['${at(manifest)}'] } } } };
`;
  await writeFile(at('good.config.ts'), config('good'));
  await writeFile(at('bad.config.ts'), config('bad'));
});

afterAll(() => rm(folder, { recursive: true }));

async function run(...words: string[]) {
  const told = { out: '', err: '' };
  const code = await runCommand(words, {
    environment: {},
    out: (text) => {
      told.out += text;
    },
    err: (text) => {
      told.err += text;
    },
    stopped: () => Promise.resolve(),
  });
  return { code, ...told };
}

describe('weir documents', () => {
  const config = ['--config', join(root, 'weir.config.ts')];

  it('prints the ids of documents that are good, and writes their manifest', async () => {
    const file = at('manifest.json');
    const { code, out } = await run('documents', at('good'), '--out', file, ...config);
    expect([code, out]).toEqual([0, `${documentIdOf(good)}  ${at('good/limit.graphql')}\n`]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ [documentIdOf(good)]: good });
    const again = await run('documents', file, '--variant', 'mobile', ...config);
    expect([again.code, again.out]).toEqual([0, expect.stringContaining(documentIdOf(good))]);
  });

  it('says what is wrong with the others, and writes nothing', async () => {
    const { code, err } = await run('documents', at('bad'), '--out', at('none.json'), ...config);
    expect(code).toBe(1);
    expect(err).toMatch(/bad\/one\.graphql: line 1, column 3: Cannot query field "nothing"/);
    expect(err).toMatch(/bad\/two\.graphql: line 1, column 2: Syntax Error/);
    await expect(readFile(at('none.json'))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['a variant that is none', ['--variant', 'desktop'], /expected the name of a variant \(web, mobile\)/],
    ['a source that is none', [], /missing: ENOENT/],
  ])('refuses %s', async (_what, words, message) => {
    const { code, err } = await run('documents', at('missing'), ...words, ...config);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});

describe('weir check', () => {
  it('looks at the documents of each variant', async () => {
    expect(await run('check', '--config', at('good.config.ts'))).toMatchObject({ code: 0, err: '' });
    const { code, err } = await run('check', '--config', at('bad.config.ts'));
    expect(code).toBe(1);
    expect(err).toMatch(/^variants\.mobile\.documents: .*one\.graphql: /);
  });

  it('finds nothing wrong with the shop', async () => {
    expect(await run('check', '--config', join(root, 'weir.config.ts'))).toMatchObject({ code: 0 });
  });
});
