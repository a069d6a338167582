import SchemaBuilder from '@pothos/core';
import { describe, expect, it } from 'vitest';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';
import {
  createBudgetPolicy,
  type OperationContext,
  type WeirConfig,
  WeirError,
  weirPluginName,
} from '../../src/index.ts';
import { codesOf, post, preflighted, send } from '../kit/tiny-gateway.ts';
import { openTrustedGateway, production } from '../kit/trusted-gateway.ts';

const publicFor = (maxAgeSeconds: number) => ({ maxAgeSeconds, scope: 'public' as const });

const documents = {
  open: 'query Open { title }',
  both: 'query Both { title stock mine }',
  mine: 'query Mine { mine }',
  short: 'query Short { title stock }',
  unsaid: 'query Unsaid { title unsaid }',
  guarded: 'query Guarded { guarded }',
  failing: 'query Failing { title failing }',
  nothing: 'query Nothing { nothing }',
  chosen: 'query Chosen($of: String!) { chosen(of: $of) }',
  change: 'mutation Change { change }',
  mistaken: 'query Mistaken { title mistaken }',
};
const idOf = (name: keyof typeof documents) => documentIdOf(documents[name]);
const manifest = Object.fromEntries(Object.values(documents).map((text) => [documentIdOf(text), text]));

/** What a test changes behind the graph, and sees of it. */
interface State {
  title: string;
  changes: number;
}

function schemaOf(state: State) {
  const builder = new SchemaBuilder<{ Context: OperationContext }>({
    plugins: [weirPluginName],
    // The shop's schema brings the plugin that asks for it, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
  });
  builder.queryType({
    fields: (t) => ({
      title: t.string({ cache: publicFor(60), resolve: () => state.title }),
      stock: t.int({ cache: publicFor(5), resolve: () => 3 }),
      mine: t.string({
        cache: { maxAgeSeconds: 30 },
        resolve: (_root, _args, { principal }) => principal.network ?? principal.subject,
      }),
      unsaid: t.string({ resolve: (_root, _args, { principal }) => principal.subject }),
      guarded: t.string({ authScopes: {}, resolve: () => 'guarded' }),
      failing: t.string({
        cache: publicFor(60),
        resolve: () => {
          throw new WeirError('NOT_FOUND');
        },
      }),
      // As somebody writes it who has not thought of caches.
      mistaken: t.string({
        cache: publicFor(60),
        resolve: async (_root, _args, context) => {
          await Promise.resolve();
          return context.principal.network;
        },
      }),
      nothing: t.string({ cache: publicFor(60), resolve: () => null }),
      chosen: t.string({
        cache: publicFor(60),
        args: { of: t.arg.string({ required: true }) },
        resolve: (_root, { of }) => of,
      }),
    }),
  });
  builder.mutationType({
    fields: (t) => ({
      change: t.int({
        cache: publicFor(60),
        resolve: () => {
          state.changes += 1;
          return state.changes;
        },
      }),
    }),
  });
  return builder.toSchema();
}

async function open(config: Partial<WeirConfig> = {}, environment: Record<string, string> = production) {
  const state: State = { title: 'Dune', changes: 0 };
  const changed = { schema: schemaOf(state), upstreams: {}, ...config };
  const tiny = await openTrustedGateway(manifest, changed, { environment });
  const get = (name: keyof typeof documents, headers: Record<string, string> = {}, end = '') =>
    send(`${tiny.url}/documents/${idOf(name)}${end}`, { headers });
  return { ...tiny, state, get };
}

/** As books are kept that nobody empties. */
const kept = { budget: { mode: 'enforce', legacyHeaders: true } } as const;

describe('a trusted query by GET', () => {
  it.each([
    ['open', 'public, max-age=60', 'Accept'],
    ['short', 'public, max-age=5', 'Accept'],
    ['mine', 'private, max-age=30', 'Accept, Authorization'],
    ['both', 'private, max-age=5', 'Accept, Authorization'],
    ['nothing', 'public, max-age=60', 'Accept'],
  ] as const)('has the policy of its strictest field: %s', async (name, cacheControl, vary) => {
    await using tiny = await open();
    const { status, headers } = await tiny.get(name);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe(cacheControl);
    expect(headers.get('vary')?.split(/, ?/)).toEqual(expect.arrayContaining(vary.split(', ')));
    expect(headers.get('etag')).toMatch(/^W\/"[\w-]{43}"$/);
  });

  it.each(['unsaid', 'guarded'] as const)(
    '112: is kept nowhere with a field of which nobody speaks: %s',
    async (name) => {
      await using tiny = await open();
      const { status, headers } = await tiny.get(name);
      expect([status, headers.get('cache-control'), headers.get('etag')]).toEqual([200, 'no-store', null]);
    },
  );

  it('113: is public only when every field is', async () => {
    await using tiny = await open();
    for (const name of Object.keys(documents) as (keyof typeof documents)[]) {
      const { headers } = await tiny.get(name, {}, name === 'chosen' ? '?variables={"of":"a"}' : '');
      const isOpen = ['open', 'short', 'nothing', 'chosen'].includes(name);
      expect([name, headers.get('cache-control')?.startsWith('public')]).toEqual([name, isOpen]);
    }
  });

  it('112: tells of nobody who asked for what all may have', async () => {
    await using tiny = await open(kept, {});
    const answer = await tiny.get('open', { 'x-request-id': 'mine' });
    expect(answer.text).toBe('{"data":{"title":"Dune"}}');
    expect(
      Object.keys(Object.fromEntries(answer.headers)).filter((name) => /rate|request-id|cost/.test(name)),
    ).toEqual([]);
    const own = await tiny.get('mine');
    expect(own.text).toBe('{"data":{"mine":"127.0.0.0/24"}}');
    expect(own.headers.get('ratelimit')).not.toBeNull();
    expect((await post(tiny.url, { documentId: idOf('open') })).json).toMatchObject({
      extensions: { cost: {} },
    });
  });

  it('112: is private when a resolver has looked at who asks, though the schema calls it public', async () => {
    await using tiny = await open();
    for (let turn = 0; turn < 2; turn += 1)
      expect((await tiny.get('mistaken')).headers.get('cache-control')).toBe('private, max-age=60');
    expect((await tiny.get('open')).headers.get('cache-control')).toBe('public, max-age=60');
    expect(tiny.log.lines).toMatchObject([
      { level: 'warn', message: 'what the schema calls public depends on who asks' },
    ]);
    expect(tiny.log.operations[0]?.['principal']).toEqual({ kind: 'anonymous', subject: null });
  });

  it('is 304 to who has it, and 200 as soon as it is another', async () => {
    await using tiny = await open();
    const first = await tiny.get('open');
    const etag = first.headers.get('etag') ?? '';
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*', ` ${etag} `]) {
      const again = await tiny.get('open', { 'if-none-match': known });
      expect([known, again.status, again.text]).toEqual([known, 304, '']);
      expect(again.headers.get('etag')).toBe(etag);
      expect(again.headers.get('cache-control')).toBe('public, max-age=60');
      expect(again.headers.get('vary')).toBe(first.headers.get('vary'));
      expect(again.headers.get('content-type')).toBeNull();
    }
    for (const other of ['"other"', 'W/""', '', etag.slice(0, -2)]) {
      expect((await tiny.get('open', { 'if-none-match': other })).status).toBe(200);
    }
    tiny.state.title = 'Emma';
    const changed = await tiny.get('open', { 'if-none-match': etag });
    expect([changed.status, changed.text]).toEqual([200, '{"data":{"title":"Emma"}}']);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });

  it('has one tag for both media types, and another for other variables', async () => {
    await using tiny = await open();
    const tags = [];
    for (const [accept, of] of [
      ['application/json', 'a'],
      ['application/graphql-response+json', 'a'],
      ['application/json', 'b'],
    ] as const) {
      const { headers } = await tiny.get('chosen', { accept }, `?variables={"of":"${of}"}`);
      expect(headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
      tags.push(headers.get('etag'));
    }
    expect(tags[0]).toBe(tags[1]);
    expect(tags[0]).not.toBe(tags[2]);
  });

  it.each([
    ['an error', 'failing', {}, '', 200],
    ['variables that are wrong', 'chosen', {}, '', 400],
    ['a price that is asked for', 'open', { 'graphql-cost': 'report' }, '', 403],
    ['a bad token', 'open', { authorization: 'Bearer x' }, '', 401],
  ] as const)(
    'is kept nowhere with %s, though all of it may be',
    async (_what, name, headers, end, status) => {
      await using tiny = await open();
      const answer = await tiny.get(name, { accept: 'application/graphql-response+json', ...headers }, end);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('etag')).toBeNull();
    },
  );

  it.each([
    ['the header', { 'graphql-cost': 'report' }, ''],
    ['the extension', {}, '?extensions={"cost":"report"}'],
  ] as const)('is kept nowhere with a price that %s asks for', async (_what, headers, end) => {
    await using tiny = await open(kept, {});
    const answer = await tiny.get('open', { accept: 'application/graphql-response+json', ...headers }, end);
    expect([answer.status, answer.json]).toMatchObject([200, { extensions: { cost: { fields: {} } } }]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    // The control: kept, and without a price, where nobody asks.
    expect((await tiny.get('open')).headers.get('cache-control')).not.toBe('no-store');
  });

  it('is kept nowhere when it is refused for its price', async () => {
    const policy = createBudgetPolicy({ anonymous: { limitPoints: 1, restorePerSecond: 0.001 } });
    await using tiny = await open({ ...kept, policy });
    expect((await tiny.get('open')).status).toBe(200);
    const answer = await tiny.get('open', { 'if-none-match': '*' });
    expect([answer.status, codesOf(answer)]).toEqual([429, ['RATE_LIMITED']]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is charged like any other, also when it is 304', async () => {
    await using tiny = await open(kept, {});
    const left = async (headers: Record<string, string>) =>
      Number(/r=(\d+)/.exec((await tiny.get('mine', headers)).headers.get('ratelimit') ?? '')?.[1]);
    const before = await left({});
    expect(await left({ 'if-none-match': '*' })).toBeLessThanOrEqual(before);
    expect(tiny.log.operations.map(({ actualPoints }) => actualPoints)).toEqual([1, 1]);
  });
});

describe('any other request', () => {
  it('is kept nowhere: POST, and GET of what is not trusted', async () => {
    await using tiny = await open({}, {});
    const answers = [
      await post(tiny.url, { documentId: idOf('open') }),
      await post(tiny.url, { query: documents.open }),
      await send(`${tiny.url}?query={title}`, { headers: preflighted }),
    ];
    for (const { status, headers } of answers)
      expect([status, headers.get('cache-control'), headers.get('etag')]).toEqual([200, 'no-store', null]);
  });

  it('38: a mutation by GET is refused with 405 and not run', async () => {
    await using tiny = await open();
    const { status, headers, json } = await tiny.get('change', { 'if-none-match': '*' });
    expect([status, headers.get('allow'), headers.get('cache-control')]).toEqual([405, 'POST', 'no-store']);
    expect(json.errors?.[0]?.extensions.code).toBe('METHOD_NOT_ALLOWED');
    expect(tiny.state.changes).toBe(0);
  });

  it.each([
    ['with no header', {}, {}, 400],
    ['with a header that proxies add', { 'x-forwarded-for': '1.1.1.1', authorization: 'Basic x' }, {}, 401],
    ['with the header', preflighted, {}, 200],
    ['with the header in production', preflighted, production, 400],
  ])('43: a query by GET that is not trusted, %s', async (_name, headers, environment, status) => {
    await using tiny = await open({ documents: { allow: 'any' } }, environment);
    expect((await send(`${tiny.url}?query={title}`, { headers })).status).toBe(status);
  });

  it('44: the body of a GET is nothing, and the address of a POST has no part of the request', async () => {
    await using tiny = await open();
    for (const end of [
      'query={title}',
      `documentId=${idOf('open')}`,
      'variables={}',
      'extensions={}',
      'operationName=A',
    ]) {
      const answer = await post(`${tiny.url}?${end}`, { documentId: idOf('open') });
      expect([end, answer.status, codesOf(answer)]).toEqual([end, 400, ['BAD_REQUEST']]);
    }
    expect((await post(`${tiny.url}?other=1`, { documentId: idOf('open') })).status).toBe(200);
  });
});
