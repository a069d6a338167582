import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advise } from '../../src/cli/advise.ts';

const schema = buildSchema('type Query { books: [Book!]! } type Book { title: String }');
const text = '{ all: books { title } }';
const operation = {
  kind: 'operation',
  document: 'd1',
  operationName: null,
  type: 'query',
  variant: 'web',
  caller: 'c',
  callerKind: 'anonymous',
  estimatePoints: 21,
  actualPoints: 13,
  upstreamCalls: 1,
  durationMs: 4,
  refused: null,
  counts: { ' Query': 1, 'all Book': 12 },
};

describe('advise', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-advise-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function fileOf(lines: readonly unknown[]): Promise<string> {
    const file = join(folder, 'traffic.jsonl');
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    await writeFile(file, `${texts.join('\n')}\n`);
    return file;
  }

  it('advise() prints tables and writes the same as JSON', async () => {
    const lines = Array.from({ length: 30 }, (_, index) => ({ ...operation, atMs: index * 1000 }));
    const file = await fileOf([{ kind: 'document', hash: 'd1', text }, ...lines]);
    const json = join(folder, 'advice.json');
    const printed = await advise({ schema, file, refusedShare: 0, json });
    expect(printed).toMatch(/^30 operations\./);
    expect(printed).toMatch(/Query\.books +30 +12 +12 +12/);
    expect(printed).toMatch(/50 +0 % +<- proposed/);
    const advice = JSON.parse(await readFile(json, 'utf8'));
    expect(advice).toMatchObject({
      operations: 30,
      proposedCeiling: { limitPoints: 50 },
      proposedBudgets: [{ callerKind: 'anonymous', limitPoints: 250 }],
      lists: [{ field: 'Query.books', median: 12 }],
    });
  });

  it.each([
    ['is no JSON', 'nothing', /line 2: expected a line of recorded traffic: /],
    ['is of another kind', { kind: 'other' }, /line 2: .*expected the kind "operation" or "document"/],
  ])('advise() names the line when one %s', async (_, line, message) => {
    const file = await fileOf([{ ...operation, atMs: 0 }, line]);
    await expect(advise({ schema, file, refusedShare: 0, json: undefined })).rejects.toThrow(message);
  });

  it('advise() says what is missing when nothing was recorded, and when there is no such file', async () => {
    const none = { schema, refusedShare: 0, json: undefined };
    await expect(advise({ ...none, file: await fileOf([]) })).rejects.toThrow(
      /at least one recorded operation/,
    );
    await expect(advise({ ...none, file: join(folder, 'missing') })).rejects.toThrow(/missing: .*ENOENT/);
  });
});
