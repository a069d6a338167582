import { hash } from 'node:crypto';
import { buildSchema, GraphQLError, Kind } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createAutomaticDocuments } from '../../../src/guard/documents/automatic.ts';
import { documentIdOf } from '../../../src/guard/documents/document-id.ts';
import { createDocumentGate, type DocumentRequest } from '../../../src/guard/documents/gate.ts';
import { parseManifest } from '../../../src/guard/documents/manifest.ts';
import { emptyTrustedSet, prepareTrustedSet } from '../../../src/guard/documents/trusted-set.ts';
import { createDocuments } from '../../../src/guard/documents.ts';
import { anonymousPrincipal } from '../../../src/identity/principal.ts';
import { defaultDocumentLimits } from '../shape/default-limits.ts';

const schema = buildSchema('type Query { a: A } type A { a: A, id: ID }');
const known = '{a{id}}';
const unknown = '{a{a{id}}}';
const scope = 'documents:any';
const digest = (text: string) => hash('sha256', text);
const apq = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });

interface Setting {
  readonly allow?: 'trusted' | 'any';
  readonly production?: boolean;
  readonly isAutomatic?: boolean;
}

async function gateOf({ allow = 'trusted', production = false, isAutomatic = false }: Setting = {}) {
  const documents = createDocuments(defaultDocumentLimits);
  const manifest = parseManifest(JSON.stringify({ own: known }), 'm.json');
  const { set } = await prepareTrustedSet([manifest], emptyTrustedSet, {
    schema,
    documents,
    maxBytes: 1e6,
    onPrepared: () => {},
  });
  const founds: string[] = [];
  const gate = createDocumentGate({
    documents,
    trusted: { current: () => set },
    automatic: isAutomatic ? createAutomaticDocuments({ maxDocuments: 100, maxBytes: 1e6 }) : undefined,
    allow,
    scope,
    production,
    onFound: (how) => founds.push(how),
  });
  const request = (changed: Partial<DocumentRequest>): DocumentRequest => ({
    query: '',
    documentId: undefined,
    extensions: undefined,
    origin: 'safe',
    ...changed,
  });
  const caller = (scopes: readonly string[] = []) => ({
    ...anonymousPrincipal('192.0.2.0/24'),
    scopes: new Set(scopes),
  });
  /** `trusted`, the text of any other document, or the code that refuses it. */
  const ask = (changed: Partial<DocumentRequest>, scopes: readonly string[] = []): string => {
    try {
      const document = gate.find(request(changed), caller(scopes));
      gate.onValid(document, request(changed), caller(scopes));
      expect(document.kind).toBe(Kind.DOCUMENT);
      return set.byNode(document) ? 'trusted' : (document.loc?.source.body ?? '');
    } catch (thrown) {
      if (thrown instanceof GraphQLError) return String(thrown.extensions['code']);
      throw thrown;
    }
  };
  return { ask, founds };
}

describe('createDocumentGate()', () => {
  it.each([
    ['its id', { documentId: 'own' }],
    ['its digest', { documentId: documentIdOf(known) }],
    ['its bare digest', { documentId: digest(known) }],
    ["Apollo's extension", { extensions: apq(digest(known)) }],
    ["Apollo's extension with an id of its own", { extensions: apq('own') }],
    ['its text', { query: known }],
    ["its text and Apollo's extension", { query: known, extensions: apq(digest(known)) }],
  ] satisfies [string, Partial<DocumentRequest>][])(
    'gives a trusted document by %s to everybody, by every method',
    async (_name, request) => {
      const { ask } = await gateOf({ production: true });
      for (const origin of ['safe', 'preflighted', 'bare'] as const)
        expect(ask({ ...request, origin })).toBe('trusted');
    },
  );

  it('refuses a text that is in no manifest, unless the variant or a scope allows it', async () => {
    const closed = await gateOf();
    expect(closed.ask({ query: unknown })).toBe('DOCUMENT_NOT_TRUSTED');
    expect(closed.ask({ query: unknown }, ['documents', 'any'])).toBe('DOCUMENT_NOT_TRUSTED');
    expect(closed.ask({ query: unknown }, [scope])).toBe(unknown);
    expect((await gateOf({ allow: 'any' })).ask({ query: unknown })).toBe(unknown);
  });

  it('refuses a text that differs from a trusted one by a space', async () => {
    expect((await gateOf()).ask({ query: `${known} ` })).toBe('DOCUMENT_NOT_TRUSTED');
  });

  it('does not say more of a text that it does not run than that', async () => {
    const { ask } = await gateOf();
    expect([ask({ query: '{' }), ask({ query: '{'.repeat(1e5) })]).toEqual([
      'DOCUMENT_NOT_TRUSTED',
      'DOCUMENT_NOT_TRUSTED',
    ]);
  });

  it.each([
    ['safe', false, unknown],
    ['preflighted', false, unknown],
    ['bare', false, 'BAD_REQUEST'],
    ['safe', true, unknown],
    ['preflighted', true, 'BAD_REQUEST'],
    ['bare', true, 'BAD_REQUEST'],
  ] as const)(
    'answers an allowed text that came %s, in production: %s, with %s',
    async (origin, production, then) => {
      const { ask } = await gateOf({ allow: 'any', production });
      expect(ask({ query: unknown, origin })).toBe(then);
    },
  );

  it.each([
    ['documentId', 'trusted', false, 'DOCUMENT_NOT_FOUND'],
    ['documentId', 'any', true, 'DOCUMENT_NOT_FOUND'],
    ['extension', 'trusted', false, 'DOCUMENT_NOT_FOUND'],
    ['extension', 'trusted', true, 'DOCUMENT_NOT_FOUND'],
    ['extension', 'any', false, 'PERSISTED_QUERY_NOT_SUPPORTED'],
    ['extension', 'any', true, 'PERSISTED_QUERY_NOT_FOUND'],
  ] as const)(
    'answers an unknown id as %s where %s may be sent, automatic: %s, with %s',
    async (form, allow, isAutomatic, code) => {
      const { ask } = await gateOf({ allow, isAutomatic });
      const id = digest(unknown);
      expect(ask(form === 'documentId' ? { documentId: id } : { extensions: apq(id) })).toBe(code);
    },
  );

  it('takes an automatic document once, and finds it from then on', async () => {
    const { ask } = await gateOf({ allow: 'any', isAutomatic: true });
    const extensions = apq(digest(unknown));
    expect(ask({ extensions })).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(ask({ query: unknown, extensions })).toBe(unknown);
    expect(ask({ extensions })).toBe(unknown);
    expect(ask({ extensions, origin: 'bare' })).toBe('BAD_REQUEST');
  });

  it('takes no automatic document of whoever may not send it, nor finds one for them', async () => {
    const { ask } = await gateOf({ isAutomatic: true });
    const extensions = apq(digest(unknown));
    expect(ask({ query: unknown, extensions })).toBe('DOCUMENT_NOT_TRUSTED');
    expect(ask({ extensions }, [scope])).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(ask({ query: unknown, extensions }, [scope])).toBe(unknown);
    expect(ask({ extensions }, [scope])).toBe(unknown);
    expect(ask({ extensions })).toBe('DOCUMENT_NOT_FOUND');
  });

  it('keeps nothing under the digest of something else', async () => {
    const { ask } = await gateOf({ allow: 'any', isAutomatic: true });
    const extensions = apq(digest('{a{a{a{id}}}}'));
    expect(ask({ query: unknown, extensions })).toBe('BAD_REQUEST');
    expect(ask({ extensions })).toBe('PERSISTED_QUERY_NOT_FOUND');
  });

  it.each([
    ['nothing', {}],
    ['an extension of another kind', { extensions: { other: 1 } }],
    ['an id and a text', { documentId: 'own', query: known }],
    ['an id and an extension', { documentId: 'own', extensions: apq(digest(known)) }],
    ['version 2', { extensions: apq(digest(known), 2) }],
    ['no version', { extensions: { persistedQuery: { sha256Hash: digest(known) } } }],
    ['a digest that is a number', { extensions: apq(5) }],
    ['an empty digest', { extensions: apq('') }],
    ['an extension that is text', { extensions: { persistedQuery: 'own' } }],
    ['an extension that is a list', { extensions: { persistedQuery: [] } }],
  ])('refuses a request with %s', async (_name, request) => {
    expect((await gateOf({ allow: 'any' })).ask(request)).toBe('BAD_REQUEST');
  });

  it('tells how each document was found', async () => {
    const { ask, founds } = await gateOf({ allow: 'any', isAutomatic: true });
    const extensions = apq(digest(unknown));
    ask({ documentId: 'own' });
    ask({ query: known });
    ask({ query: unknown, extensions });
    ask({ extensions });
    expect(founds).toEqual(['id', 'text', 'untrusted', 'automatic']);
    for (const refused of [
      { documentId: 'none' },
      { query: '{' },
      { query: unknown, origin: 'bare' as const },
      {},
    ])
      ask(refused);
    expect(founds).toHaveLength(4);
  });

  it('takes an extension that is null for none', async () => {
    expect((await gateOf()).ask({ query: known, extensions: { persistedQuery: null } })).toBe('trusted');
  });
});
