import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestBounds, readManifest, versionOf } from '../../../src/guard/documents/manifest-files.ts';

const json = '{"a":"{a}"}';
let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-manifest-'));
  await writeFile(at('one.json'), json);
  await mkdir(at('all'));
  for (const name of ['a', 'b', 'c']) await writeFile(at(`all/${name}.graphql`), `{${name}}`);
});

afterAll(() => rm(folder, { recursive: true }));

describe('readManifest()', () => {
  it.each([
    [json.length + 1, 1],
    [json.length, 1],
    [json.length - 1, 0],
  ])('reads a file of 11 bytes within %i: %i documents', async (fileMaxBytes, count) => {
    const { documents, faults } = await readManifest(at('one.json'), { ...manifestBounds, fileMaxBytes });
    expect(documents).toHaveLength(count);
    expect(faults).toEqual(count === 1 ? [] : [expect.stringMatching(/at most 10 bytes, got 11/)]);
  });

  it.each([
    [4, 3],
    [3, 3],
    [2, 0],
  ])('reads a folder of 3 documents within %i: %i documents', async (maxFiles, count) => {
    const { documents, faults } = await readManifest(at('all'), { ...manifestBounds, maxFiles });
    expect(documents.map(({ name }) => name)).toEqual(
      ['a.graphql', 'b.graphql', 'c.graphql'].slice(0, count),
    );
    expect(faults).toEqual(
      count === 3 ? [] : [expect.stringMatching(/all: expected at most 2 documents, got 3/)],
    );
  });

  it('bounds the files of a folder as well', async () => {
    const { faults } = await readManifest(at('all'), { ...manifestBounds, fileMaxBytes: 2 });
    expect(faults).toEqual([expect.stringMatching(/at most 2 bytes, got 3 in .*[abc]\.graphql/)]);
  });
});

describe('versionOf()', () => {
  it('stays while nothing changes, and is there for what is not', async () => {
    expect(await versionOf(at('all'))).toBe(await versionOf(at('all')));
    expect(await versionOf(at('none'))).toContain('ENOENT');
  });
});
