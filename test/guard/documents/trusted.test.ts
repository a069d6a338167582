import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, type DocumentNode } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { documentIdOf } from '../../../src/guard/documents/document-id.ts';
import { createTrustedDocuments, type TrustedDocuments } from '../../../src/guard/documents/trusted.ts';
import { createDocuments } from '../../../src/guard/documents.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';
import { createCollectingLog } from '../../kit/tiny-gateway.ts';
import { defaultDocumentLimits } from '../shape/default-limits.ts';

const schema = buildSchema('type Query { a: A } type A { a: A, id: ID }');
const reloadMs = 1000;

let folder: string;
let opened: TrustedDocuments[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-documents-'));
  opened = [];
});

afterEach(async () => {
  for (const trusted of opened) trusted.close();
  await rm(folder, { recursive: true });
});

function open(manifests: readonly string[], changed: { maxBytes?: number; maxDepth?: number } = {}) {
  const clock = createFakeClock();
  const log = createCollectingLog();
  const prepared: DocumentNode[] = [];
  const reloads: boolean[] = [];
  const counts: number[] = [];
  let onReloaded = (_isTaken: boolean) => {};
  const documents = createDocuments({ ...defaultDocumentLimits, ...changed });
  const trusted = createTrustedDocuments({
    manifests: manifests.map((name) => join(folder, name)),
    schema,
    documents,
    maxBytes: changed.maxBytes ?? 1e9,
    reloadMs,
    clock,
    log,
    onPrepared: (document) => prepared.push(document),
    onLoaded: (count) => counts.push(count),
    onReloaded: (isTaken) => {
      reloads.push(isTaken);
      onReloaded(isTaken);
    },
  });
  opened.push(trusted);
  /** Lets the next look happen, and resolves with what came of the reload that it finds due. */
  const reloaded = () =>
    new Promise<boolean>((resolve) => {
      onReloaded = resolve;
      clock.advance(reloadMs);
    });
  const texts = () => trusted.current().all.map(({ text }) => text);
  return { ...trusted, documents, clock, log, prepared, reloads, counts, reloaded, texts };
}

const write = (name: string, content: unknown) =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

describe('createTrustedDocuments()', () => {
  it('finds documents by each of their ids and by their text', async () => {
    await write('a.json', { own: '{a{id}}' });
    await write('b.json', { [documentIdOf('{a{id}}')]: '{a{id}}', other: '{a{a{id}}}' });
    const trusted = open(['a.json', 'b.json']);
    expect(await trusted.load()).toEqual([]);
    const set = trusted.current();
    expect(set.all.map(({ id }) => id)).toEqual(['own', 'other']);
    const one = set.byId('own');
    expect(one?.document).toBe(set.byText('{a{id}}')?.document);
    expect(set.byId(documentIdOf('{a{id}}'))).toBe(one);
    expect(set.byId(documentIdOf('{a{id}}').slice('sha256:'.length))).toBe(one);
    expect(one && set.byNode(one.document)).toBe(one);
    expect([set.byId('{a{id}}'), set.byId('constructor'), set.byText('own')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('prepares each document once, so that it is valid without a look', async () => {
    await write('a.json', { own: '{a{id}}', again: '{a{id}}' });
    const trusted = open(['a.json']);
    await trusted.load();
    expect(trusted.prepared).toEqual([trusted.current().byId('own')?.document]);
    const unread = new Proxy(trusted.prepared[0] ?? ({} as DocumentNode), {
      get: () => expect.unreachable('the document is read again'),
    });
    expect(trusted.documents.validate(schema, trusted.prepared[0] as DocumentNode)).toEqual([]);
    expect(() => trusted.documents.validate(schema, unread)).toThrow('the document is read again');
  });

  it('reads the .graphql files of a folder and of those below it, by the digest of each', async () => {
    await mkdir(join(folder, 'all/below'), { recursive: true });
    await write('all/a.graphql', '{a{id}}\n');
    await write('all/below/b.graphql', '{a{a{id}}}');
    await write('all/readme.md', 'no document');
    const trusted = open(['all']);
    expect(await trusted.load()).toEqual([]);
    expect(trusted.current().all.map(({ id }) => id)).toEqual(['{a{id}}\n', '{a{a{id}}}'].map(documentIdOf));
  });

  it.each([
    ['does not parse', { x: '{a{' }, /a\.json, "x": line 1, column 4: Syntax Error: /],
    ['does not fit the schema', { x: '{a{b}}' }, /a\.json, "x": line 1, column 4: Cannot query field "b"/],
    ['is beyond a bound', { x: '{a{a{a{id}}}}' }, /a\.json, "x": .*limits\.maxDepth/],
    ['has a wrong digest', { ['0'.repeat(64)]: '{a{id}}' }, /a\.json, "0+": expected the sha256/],
    ['shares its id', { x: '{a{a{id}}}' }, /a\.json, "x": expected an id of its own/],
  ])('names a document that %s, and uses the others', async (_name, content, fault) => {
    await write('0.json', { x: '{a{id}}' });
    await write('a.json', { ...content, good: '{a{a{id}}}' });
    const trusted = open(['0.json', 'a.json'], { maxDepth: 3 });
    const faults = await trusted.load();
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(fault);
    expect(trusted.texts()).toContain('{a{a{id}}}');
  });

  it.each([
    ['is not there', 'nothing.json', /nothing\.json: ENOENT/],
    ['is a folder without documents', 'empty', /empty: expected \.graphql files in it/],
  ])('tells of a source that %s', async (_name, source, fault) => {
    await mkdir(join(folder, 'empty'));
    expect(await open([source]).load()).toEqual([expect.stringMatching(fault)]);
  });

  it('takes as many bytes as it may, and not one more', async () => {
    await write('a.json', { a: '{a{id}}', b: '{a{a{id}}}', c: '{a{id}}' });
    const free = open(['a.json']);
    await free.load();
    const bytes = free.current().all.reduce((sum, document) => sum + document.bytes, 0);
    expect(await open(['a.json'], { maxBytes: bytes + 1 }).load()).toEqual([]);
    expect(await open(['a.json'], { maxBytes: bytes }).load()).toEqual([]);
    expect(await open(['a.json'], { maxBytes: bytes - 1 }).load()).toEqual([
      expect.stringContaining(`at most ${bytes - 1} bytes, got about ${bytes}: raise documents.maxBytes`),
    ]);
  });

  it('follows its files, and keeps what it has prepared', async () => {
    await write('a.json', { a: '{a{id}}' });
    const trusted = open(['a.json']);
    await trusted.load();
    const before = trusted.current().byText('{a{id}}');
    await write('a.json', { b: '{a{a{id}}}', c: '{a{id}}' });
    expect(await trusted.reloaded()).toBe(true);
    expect(trusted.current().byId('a')).toBeUndefined();
    expect(trusted.current().byId('c')?.document).toBe(before?.document);
    expect(trusted.prepared).toHaveLength(2);
    // As a new version of a volume comes: all at once, under the same name.
    await write('next.json', { d: '{a{id}}' });
    await rename(join(folder, 'next.json'), join(folder, 'a.json'));
    await trusted.reloaded();
    expect(trusted.current().all.map(({ id }) => id)).toEqual(['d']);
    expect(trusted.log.lines.map(({ message }) => message)).toEqual([
      'new documents are in use',
      'new documents are in use',
    ]);
  });

  it('keeps the old documents when the new ones are faulty, says why, and takes the next good ones', async () => {
    await write('a.json', { a: '{a{id}}' });
    const trusted = open(['a.json']);
    await trusted.load();
    for (const bad of ['{"a":', { a: '{a{id}}', b: '{b}' }]) {
      await write('a.json', bad);
      expect(await trusted.reloaded()).toBe(false);
      expect(trusted.texts()).toEqual(['{a{id}}']);
    }
    await rm(join(folder, 'a.json'));
    expect(await trusted.reloaded()).toBe(false);
    expect(trusted.texts()).toEqual(['{a{id}}']);
    expect(trusted.log.lines[1]?.level).toBe('error');
    expect(JSON.stringify(trusted.log.lines[1]?.fields)).toContain('Cannot query field');
    await write('a.json', { a: '{a{a{id}}}' });
    expect(await trusted.reloaded()).toBe(true);
    expect(trusted.texts()).toEqual(['{a{a{id}}}']);
    expect([trusted.reloads, trusted.counts]).toEqual([
      [false, false, false, true],
      [1, 1],
    ]);
  });

  it('sees the files of a folder come and go', async () => {
    await mkdir(join(folder, 'all'));
    await write('all/a.graphql', '{a{id}}');
    const trusted = open(['all']);
    await trusted.load();
    await write('all/b.graphql', '{a{a{id}}}');
    await trusted.reloaded();
    expect(trusted.texts()).toEqual(['{a{id}}', '{a{a{id}}}']);
    await rm(join(folder, 'all/a.graphql'));
    await trusted.reloaded();
    expect(trusted.texts()).toEqual(['{a{a{id}}}']);
  });

  it('has no timer without files, and none when it is closed', async () => {
    const without = open([]);
    expect(await without.load()).toEqual([]);
    expect(without.clock.pendingTimers).toBe(0);
    await write('a.json', { a: '{a{id}}' });
    const trusted = open(['a.json']);
    await trusted.load();
    expect(trusted.clock.pendingTimers).toBe(1);
    trusted.close();
    expect(trusted.clock.pendingTimers).toBe(0);
  });
});
