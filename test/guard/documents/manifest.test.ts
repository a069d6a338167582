import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalId, documentIdOf } from '../../../src/guard/documents/document-id.ts';
import { parseManifest } from '../../../src/guard/documents/manifest.ts';

const text = 'query A { a { id } }';
const sha256 = hash('sha256', text);
const apollo = (operations: unknown, version: unknown = 1) =>
  JSON.stringify({ format: 'apollo-persisted-query-manifest', version, operations });
const parse = (manifest: unknown) => parseManifest(JSON.stringify(manifest), 'm.json');

describe('parseManifest()', () => {
  it.each([
    ['sha256 of the client preset', `sha256:${sha256}`],
    ['sha256 of Apollo', sha256],
    ['sha1', hash('sha1', text)],
    ['md5 of Relay', hash('md5', text)],
    ['a name of one owns own', 'ProductList-v2'],
    ['a prefix of an application', 'x-shelf:12'],
    ['one character', 'a'],
    ['256 characters', 'a'.repeat(256)],
  ])('takes an id that is %s', (_name, id) => {
    expect(parse({ [id]: text })).toEqual({
      documents: [{ id, text, name: id, place: `m.json, ${JSON.stringify(id.slice(0, 100))}` }],
      faults: [],
    });
  });

  it.each([
    ['another sha256', sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')), `which is ${sha256}`],
    ['another sha256 with its prefix', `sha256:${'0'.repeat(64)}`, 'expected the sha256 of its text'],
    ['another sha1', '0'.repeat(40), 'expected the sha1 of its text'],
    ['another md5', '0'.repeat(32), 'expected the md5 of its text'],
    ['a short sha256', `sha256:${sha256.slice(1)}`, 'expected 64 lower-case hexadecimal digits'],
    ['a sha256 in capitals', `sha256:${sha256.toUpperCase()}`, 'expected 64 lower-case hexadecimal digits'],
    ['nothing', '', 'expected an id of 1 to 256 printable characters'],
    ['257 characters', 'a'.repeat(257), 'expected an id of 1 to 256 printable characters'],
    ['with a space', 'a b', 'expected an id of 1 to 256 printable characters'],
    ['with a line break', 'a\nb', 'expected an id of 1 to 256 printable characters'],
  ])('names the entry whose id is %s', (_name, id, fault) => {
    const { documents, faults } = parse({ [id]: text, good: text });
    expect(documents.map((document) => document.id)).toEqual(['good']);
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(faults[0]).toContain(`m.json, ${JSON.stringify(id.slice(0, 100))}: `);
  });

  it('reads the operations of an Apollo manifest', () => {
    const manifest = apollo([
      { id: sha256, name: 'A', type: 'query', body: text },
      { id: 'own', name: 'B', type: 'mutation', body: 'mutation B { b }' },
    ]);
    expect(parseManifest(manifest, 'm.json')).toEqual({
      documents: [
        { id: sha256, text, name: 'A', place: 'm.json, "A"' },
        { id: 'own', text: 'mutation B { b }', name: 'B', place: 'm.json, "B"' },
      ],
      faults: [],
    });
  });

  it.each([
    ['version 2', apollo([], 2), 'm.json: expected version 1 of apollo-persisted-query-manifest, got 2'],
    ['no version', apollo([], null), 'm.json: expected version 1 of'],
    ['operations that are no list', apollo({}), 'm.json: expected "operations" to be a list'],
    [
      'an operation without an id',
      apollo([{ name: 'A', body: text }]),
      'm.json, "A": expected an id as text',
    ],
    ['an operation without a body', apollo([{ id: 'a' }]), 'm.json, "operations[0]": expected the text of'],
    ['an operation that is null', apollo([null]), 'm.json, "operations[0]": expected an id as text'],
    ['no JSON', '{', 'm.json: expected documents by their ids as JSON: '],
    ['a list', '[]', 'm.json: expected documents by their ids as a JSON object'],
    ['null', 'null', 'm.json: expected documents by their ids as a JSON object'],
    ['a text that is a number', '{"a":1}', 'm.json, "a": expected the text of a document, got number'],
    ['a text that is null', '{"a":null}', 'm.json, "a": expected the text of a document, got null'],
    ['a text that is a list', '{"a":[]}', 'm.json, "a": expected the text of a document, got a list'],
  ])('says what is wrong with %s', (_name, json, fault) => {
    const { documents, faults } = parseManifest(json, 'm.json');
    expect(documents).toEqual([]);
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  it('takes an entry of the name __proto__ for what it is', () => {
    expect(parseManifest(`{"__proto__":${JSON.stringify(text)}}`, 'm.json').documents).toHaveLength(1);
  });
});

describe('documentIdOf()', () => {
  it('gives the identifiers of the appendix of GraphQL over HTTP', () => {
    expect(documentIdOf('query ($id: ID!) {\n  user(id: $id) {\n    name\n  }\n}')).toBe(
      'sha256:7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e',
    );
    expect(documentIdOf('query($id:ID!){user(id:$id){name}}')).toBe(
      'sha256:71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b',
    );
  });
});

describe('canonicalId()', () => {
  it.each([
    [sha256, `sha256:${sha256}`],
    [`sha256:${sha256}`, `sha256:${sha256}`],
    [sha256.slice(1), sha256.slice(1)],
    ['own', 'own'],
  ])('makes one of ids that mean the same: %s', (id, canonical) => {
    expect(canonicalId(id)).toBe(canonical);
  });
});
