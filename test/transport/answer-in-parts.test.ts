import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { askInParts, mergedParts, partsAccepts } from '../kit/parts.ts';
import { openTinyGateway, post, type TinyGateway } from '../kit/tiny-gateway.ts';

const on = { limits: { maxDeferredParts: 10 } };
const metered = { ...on, budget: { mode: 'measure' } as const };

const deferred = `{
  fast
  ... @defer(label: "books") { books(first: 2) { edges { node { title shelf { label } } } } }
  few(first: 4) { edges @stream(initialCount: 1, label: "few") { node { title } } }
}`;

const whole = {
  fast: 'fast',
  few: { edges: [1, 2, 3, 4].map((n) => ({ node: { title: `Book ${n}` } })) },
  books: {
    edges: [
      { node: { title: 'Book 1', shelf: { label: 'Shelf 1' } } },
      { node: { title: 'Book 2', shelf: { label: 'Shelf 2' } } },
    ],
  },
};

function codesOf(errors: readonly unknown[]): readonly string[] {
  return errors.map((error) => (error as { extensions: { code: string } }).extensions.code);
}

async function untilLogged(tiny: TinyGateway, count: number): Promise<void> {
  while (tiny.log.operations.length < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('@defer and @stream', () => {
  it('do not exist by default', async () => {
    await using tiny = await openTinyGateway();
    const { parts, status } = await askInParts(tiny.url, deferred);
    expect(status).toBe(200);
    expect(parts).toMatchObject([
      { errors: [{ message: 'Unknown directive "@defer".' }, { message: 'Unknown directive "@stream".' }] },
    ]);
    const { json } = await tiny.ask('{ __schema { directives { name } } }');
    expect(JSON.stringify(json)).not.toMatch(/defer|stream/);
  });

  it('are in the schema where they are on', async () => {
    await using tiny = await openTinyGateway(on);
    const { json } = await tiny.ask('{ __schema { directives { name args { name } } } }');
    expect(json.data).toMatchObject({
      __schema: {
        directives: expect.arrayContaining([
          { name: 'defer', args: [{ name: 'if' }, { name: 'label' }] },
          { name: 'stream', args: [{ name: 'initialCount' }, { name: 'if' }, { name: 'label' }] },
        ]),
      },
    });
  });

  it.each([
    ['v0.2', 'incrementalSpec=v0.2'],
    ['20220824', 'deferSpec=20220824'],
  ] as const)('come in parts that make up the whole answer, in the format %s', async (format, parameter) => {
    await using tiny = await openTinyGateway(on);
    const { headers, parts, isComplete } = await askInParts(tiny.url, deferred, {
      accept: partsAccepts[format],
    });
    expect(headers.get('content-type')).toBe(`multipart/mixed;boundary="graphql";${parameter}`);
    expect(headers.get('cache-control')).toBe('no-store, no-transform');
    expect(headers.get('content-encoding')).toBeNull();
    expect(isComplete).toBe(true);
    expect(parts[0]).toMatchObject({ hasNext: true, data: { fast: 'fast', few: { edges: [{}] } } });
    expect(parts[0]?.['data']).not.toHaveProperty('books');
    expect('pending' in (parts[0] ?? {})).toBe(format === 'v0.2');
    expect(mergedParts(parts)).toEqual({ data: whole, errors: [], extensions: undefined });
  });

  it('name where they belong in the older format', async () => {
    await using tiny = await openTinyGateway(on);
    const { parts } = await askInParts(tiny.url, deferred, { accept: partsAccepts['20220824'] });
    const entries = parts.flatMap(({ incremental }) => (incremental ?? []) as readonly object[]);
    expect(entries).toContainEqual({ path: [], label: 'books', data: { books: whole.books } });
    const streamed = entries.filter((entry) => 'items' in entry);
    expect(streamed[0]).toMatchObject({ path: ['few', 'edges', 1], label: 'few' });
    expect(parts.at(-1)).toMatchObject({ hasNext: false });
  });

  it.each([
    ['application/json', 'application/json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
    [
      'multipart/mixed;incrementalSpec=v0.2;q=0.5,application/graphql-response+json',
      'application/graphql-response+json; charset=utf-8',
    ],
    ['multipart/mixed;deferSpec=20300101,application/json', 'application/json; charset=utf-8'],
  ])('are answered whole to who accepts %s', async (accept, contentType) => {
    await using tiny = await openTinyGateway(on);
    const { headers, parts } = await askInParts(tiny.url, deferred, { accept });
    expect(headers.get('content-type')).toBe(contentType);
    expect(parts).toEqual([{ data: whole }]);
  });

  it('are answered whole where `if` says no', async () => {
    await using tiny = await openTinyGateway(on);
    const query = `query ($on: Boolean!) { fast ... @defer(if: $on) { shelf { label } } }`;
    const off = await askInParts(tiny.url, { query, variables: { on: false } });
    expect(off.headers.get('content-type')).toMatch(/^application\/json/);
    expect(off.parts).toEqual([{ data: { fast: 'fast', shelf: { label: 'Shelf 1' } } }]);
    const asked = await askInParts(tiny.url, { query, variables: { on: true } });
    expect(asked.parts.length).toBeGreaterThan(1);
  });

  it('leave a mutation whole, whose answer an idempotency key keeps', async () => {
    await using tiny = await openTinyGateway(on);
    const { headers, parts } = await askInParts(tiny.url, 'mutation { touch }', {
      'idempotency-key': 'a-key-of-this-test-0001',
    });
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(parts).toEqual([{ data: { touch: 1 } }]);
  });

  it.each([
    ['mutation { ... @defer { touch } }', /Defer directive cannot be used on root mutation type/],
    ['subscription { ... @defer { ticks } }', /Defer directive cannot be used on root subscription type/],
    ['{ ... @defer(label: "a") { fast } ... @defer(label: "a") { fast } }', /must be unique/],
    ['query ($l: String) { ... @defer(label: $l) { fast } }', /must be a static string/],
    ['{ shelf @stream { label } }', /cannot be used on non-list field "Query.shelf"/],
    ['{ found @stream { __typename } found @stream { __typename } }', /overlapping stream directives/],
  ])('are refused by the rules of the specification: %s', async (query, message) => {
    await using tiny = await openTinyGateway(on);
    const { parts } = await askInParts(tiny.url, query);
    const { errors } = mergedParts(parts);
    expect(new Set(codesOf(errors))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
    expect(errors).toContainEqual(expect.objectContaining({ message: expect.stringMatching(message) }));
  });

  it('are refused for an initialCount below 0, and nothing else', async () => {
    await using tiny = await openTinyGateway(on);
    const query = 'query ($n: Int!) { few { edges @stream(initialCount: $n) { node { title } } } }';
    const { parts } = await askInParts(tiny.url, { query, variables: { n: -1 } });
    expect(parts).toMatchObject([{ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] }]);
    expect(tiny.service.calls).toEqual([]);
    for (const n of [0, 1, 2, 3, 2_147_483_647]) {
      const answer = await askInParts(tiny.url, { query, variables: { n } });
      expect(mergedParts(answer.parts).data).toEqual({
        few: { edges: [{ node: { title: 'Book 1' } }, { node: { title: 'Book 2' } }] },
      });
    }
  });

  it.each([
    [9, 200],
    [10, 200],
    [11, 400],
  ])('are bounded: %i of at most 10 parts gives %i', async (count, status) => {
    await using tiny = await openTinyGateway(on);
    const query = `{ few(first: ${count}) { edges { node { id ... @defer { ...Title } } } } } fragment Title on Book { title }`;
    const accept = 'multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json';
    const answer = await askInParts(tiny.url, query, { accept });
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.parts.length).toBeGreaterThan(1);
    else
      expect(answer.parts).toMatchObject([
        { errors: [{ extensions: { code: 'DIRECTIVE_LIMIT', maximum: 10 } }] },
      ]);
    expect(tiny.service.calls.length).toBe(status === 200 ? 1 : 0);
  });
});

describe('an answer in parts', () => {
  it('is priced as the whole one, and tells it last', async () => {
    await using tiny = await openTinyGateway(metered);
    const costOf = (extensions: unknown) => {
      const { throttleStatus: _moves, ...cost } = (extensions as { cost: Record<string, unknown> }).cost;
      return cost;
    };
    const one = await askInParts(tiny.url, deferred, { accept: 'application/json' });
    for (const format of ['v0.2', '20220824'] as const) {
      const { parts } = await askInParts(tiny.url, deferred, { accept: partsAccepts[format] });
      expect(parts[0]).not.toHaveProperty('extensions');
      expect(costOf(parts.at(-1)?.['extensions'])).toEqual(costOf(one.parts[0]?.['extensions']));
    }
    await untilLogged(tiny, 3);
    const [first, ...others] = tiny.log.operations;
    expect(first?.['actualPoints']).toBeGreaterThan(1);
    for (const { actualPoints, calls, outcome } of others)
      expect({ actualPoints, calls, outcome }).toEqual({
        actualPoints: first?.['actualPoints'],
        calls: first?.['calls'],
        outcome: 'ok',
      });
  });

  it('is no cheaper for a fragment that has two labels', async () => {
    await using tiny = await openTinyGateway(metered);
    const twice = `{ ...Shelf @defer(label: "a") ...Shelf @defer(label: "b") } fragment Shelf on Query { shelf { label } }`;
    const { parts } = await askInParts(tiny.url, twice);
    const { data, extensions } = mergedParts(parts);
    expect(data).toEqual({ shelf: { label: 'Shelf 1' } });
    expect(extensions).toMatchObject({ cost: { requestedQueryCost: 1, actualQueryCost: 1 } });
    expect(tiny.service.calls).toHaveLength(1);
  });

  it('shows errors of the closed table only, and a part that failed as a whole', async () => {
    await using tiny = await openTinyGateway(metered);
    const query = `{ fast ... @defer(label: "a") { fail(kind: "plain") } few(first: 1) { edges { node { id ... @defer(label: "b") { never } } } } }`;
    for (const format of ['v0.2', '20220824'] as const) {
      const answer = await askInParts(tiny.url, query, { accept: partsAccepts[format] });
      const text = JSON.stringify(answer.parts);
      expect(text).not.toContain('CANARY');
      const { errors, data, extensions } = mergedParts(answer.parts);
      expect(codesOf(errors)).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']);
      expect(data).toMatchObject({ fast: 'fast', fail: null });
      // What a part had loaded that failed nobody knows.
      const { requestedQueryCost, actualQueryCost } = (extensions as { cost: Record<string, number> }).cost;
      expect(actualQueryCost).toBe(requestedQueryCost);
    }
    expect(tiny.log.operations[0]).toMatchObject({ outcome: 'partial', codes: ['INTERNAL_SERVER_ERROR'] });
  });

  it('tells no more errors than there may be, over all of its parts', async () => {
    await using tiny = await openTinyGateway({ limits: { maxDeferredParts: 10, maxErrors: 2 } });
    const query = '{ few(first: 5) { edges { node { id ... @defer { never } } } } }';
    const { parts } = await askInParts(tiny.url, query);
    const codes = codesOf(mergedParts(parts).errors);
    expect(codes.filter((code) => code === 'INTERNAL_SERVER_ERROR')).toHaveLength(2);
    expect(codes.filter((code) => code === 'TOO_MANY_ERRORS')).toHaveLength(3);
  });

  it.each(['v0.2', '20220824'] as const)(
    'ends at its deadline, each part that has not come with an error: %s',
    async (format) => {
      await using tiny = await openTinyGateway(metered);
      const query = `{ fast ... @defer(label: "a") { stuck } ... @defer(label: "b") { shelf { label } } }`;
      const startMs = performance.now();
      const { parts, isComplete } = await askInParts(tiny.url, query, {
        accept: partsAccepts[format],
        'weir-timeout-ms': '200',
      });
      expect(performance.now() - startMs).toBeLessThan(1000);
      expect(isComplete).toBe(true);
      const { data, errors, extensions } = mergedParts(parts);
      expect(data).toEqual({ fast: 'fast', shelf: { label: 'Shelf 1' } });
      expect(codesOf(errors)).toEqual(['UPSTREAM_TIMEOUT']);
      expect(extensions).toMatchObject({ cost: { requestedQueryCost: 1, actualQueryCost: 1 } });
      expect(tiny.log.operations).toMatchObject([{ outcome: 'partial', codes: ['UPSTREAM_TIMEOUT'] }]);
    },
  );

  it('ends with its client, and what it may have used is charged', async () => {
    await using tiny = await openTinyGateway(metered);
    const asked = request(tiny.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: partsAccepts['v0.2'] },
    });
    asked.end(JSON.stringify({ query: '{ fast few { edges { node { id } } } ... @defer { stuck } }' }));
    const [response] = await once(asked, 'response');
    await once(response, 'data');
    asked.on('error', () => {}); // its end is what the test wants
    asked.destroy();
    await untilLogged(tiny, 1);
    const [record] = tiny.log.operations;
    expect(record).toMatchObject({ outcome: 'partial', actualPoints: record?.['estimatePoints'] });
    expect(record?.['durationMs']).toBeLessThan(4000);
    expect(tiny.probe.contexts[0]?.signal.aborted).toBe(true);
  });

  it('carries what its request asked of a query besides', async () => {
    await using tiny = await openTinyGateway(metered);
    const response = await post(
      tiny.url,
      { query: deferred },
      {
        accept: partsAccepts['v0.2'],
        'graphql-cost': 'validate',
      },
    );
    expect(response.json.data).toBeNull();
    const report = await askInParts(tiny.url, deferred, { 'graphql-cost': 'report' });
    expect(report.parts.at(-1)).toMatchObject({ extensions: { cost: { fields: {} } } });
  });
});
