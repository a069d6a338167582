import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createBudgetPolicy, type WeirConfig } from '../src/index.ts';
import { codesOf, openTinyGateway, post, send, type TinyGateway } from './kit/tiny-gateway.ts';
import { build } from './pothos/tiny-builder.ts';

const variants = {
  web: {},
  mobile: {
    pages: { defaultSize: 2, maxSize: 5 },
    limits: { maxAliases: 1, bodyMaxBytes: 1024, operationTimeoutMs: 100 },
    introspection: 'nobody',
  },
  watch: {
    schema: build((builder) => {
      builder.queryField('pulse', (t) => t.int({ resolve: () => 60 }));
    }),
    introspection: 'known',
  },
} as const satisfies WeirConfig['variants'];

function openGateway(config: Partial<WeirConfig> = {}) {
  return openTinyGateway({ variants, ...config });
}

type Name = keyof typeof variants;

function urlOf({ url }: TinyGateway, name: Name): string {
  return new URL(`/${name}/graphql`, url).href;
}

const ask = (tiny: TinyGateway, name: Name, query: string, variables?: object) =>
  post(urlOf(tiny, name), { query, variables });

const firstCursor = '{ books { edges { cursor } } }';

function cursorOf({ json }: { readonly json: unknown }): string {
  const { data } = json as { data: { books: { edges: { cursor: string }[] } } }; // as: of the query above
  return data.books.edges[0]?.cursor ?? '';
}

describe('a variant', () => {
  it('is served at its path, and the first one where none is named', async () => {
    await using tiny = await openGateway();
    expect((await tiny.ask('{ fast }')).json).toEqual({ data: { fast: 'fast' } });
    expect((await ask(tiny, 'web', '{ fast }')).json).toEqual({ data: { fast: 'fast' } });
    expect((await ask(tiny, 'watch', '{ pulse }')).json).toEqual({ data: { pulse: 60 } });
    expect(codesOf(await ask(tiny, 'watch', '{ fast }'))).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect((await post(new URL('/tv/graphql', tiny.url).href, { query: '{ fast }' })).status).toBe(404);
  });

  it('has page sizes, bounds and a timeout of its own', async () => {
    await using tiny = await openGateway();
    const page = '{ books(first: 6) { pageInfo { hasNextPage } } }';
    expect(codesOf(await ask(tiny, 'web', page))).toEqual([]);
    expect(codesOf(await ask(tiny, 'mobile', page))).toEqual(['PAGE_SIZE']);
    expect(codesOf(await ask(tiny, 'mobile', page.replace('6', '5')))).toEqual([]);
    const edgesOf = async (name: Name) => {
      const { json } = await ask(tiny, name, firstCursor);
      return (json.data as { books: { edges: unknown[] } }).books.edges.length; // as: of the query above
    };
    expect([await edgesOf('web'), await edgesOf('mobile')]).toEqual([20, 2]);
    const aliases = '{ a: fast b: fast }';
    expect(codesOf(await ask(tiny, 'web', aliases))).toEqual([]);
    expect(codesOf(await ask(tiny, 'mobile', aliases))).toEqual(['ALIAS_LIMIT']);
    const body = { query: '{ fast }', extensions: { padding: 'x'.repeat(1024) } };
    expect((await post(urlOf(tiny, 'web'), body)).status).toBe(200);
    expect((await post(urlOf(tiny, 'mobile'), body)).status).toBe(413);
    expect(codesOf(await ask(tiny, 'mobile', '{ stuck }'))).toEqual(['UPSTREAM_TIMEOUT']);
  });

  it('says who may ask for its schema', async () => {
    await using tiny = await openGateway();
    const introspection = '{ __schema { queryType { name } } __type(name: "Book") { name } }';
    expect((await ask(tiny, 'web', introspection)).json.data).toMatchObject({
      __schema: { queryType: { name: 'Query' } },
    });
    for (const name of ['mobile', 'watch'] as const) {
      const answer = await ask(tiny, name, introspection);
      expect(answer.json.errors?.map(({ message }) => message)).toEqual([
        'Cannot query field "__schema" on type "Query".',
        'Cannot query field "__type" on type "Query".',
      ]);
      expect((await ask(tiny, name, '{ __typename }')).json).toEqual({ data: { __typename: 'Query' } });
    }
  });

  it('refuses the cursors of another one', async () => {
    await using tiny = await openGateway();
    const after = 'query ($after: String) { books(first: 1, after: $after) { edges { cursor } } }';
    for (const [own, other] of [
      ['web', 'mobile'],
      ['mobile', 'web'],
    ] as const) {
      const cursor = cursorOf(await ask(tiny, own, firstCursor));
      expect(codesOf(await ask(tiny, own, after, { after: cursor }))).toEqual([]);
      expect(codesOf(await ask(tiny, other, after, { after: cursor }))).toEqual(['INVALID_CURSOR']);
    }
  });

  it('is named to the policy, the log, the context and the record of what was refused', async () => {
    const asked: string[] = [];
    const free = createBudgetPolicy();
    const policy: NonNullable<WeirConfig['policy']> = (caller, variant) => {
      asked.push(variant);
      return { ...free(caller, variant), mode: 'off' };
    };
    await using tiny = await openGateway({ policy });
    await ask(tiny, 'mobile', '{ fast }');
    await ask(tiny, 'watch', '{ pulse }');
    await post(urlOf(tiny, 'mobile'), 'no JSON');
    await send(new URL('/nowhere', tiny.url).href);
    await ask(tiny, 'mobile', '{ nothing }');
    expect(asked).toEqual(expect.arrayContaining(['mobile', 'watch']));
    expect(tiny.log.operations.map(({ variant }) => variant)).toEqual([
      'mobile',
      'watch',
      'mobile',
      'unknown',
      'mobile',
    ]);
    expect(tiny.probe.contexts.map(({ variant }) => variant)).toEqual(['mobile']);
  });

  it('is served over WebSocket at its path alone', async () => {
    await using tiny = await openGateway();
    const first = async (path: string, query: string) => {
      const client = createWsClient({
        url: new URL(path, tiny.url.replace('http', 'ws')).href,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      });
      try {
        for await (const result of client.iterate({ query })) return result;
      } finally {
        await client.dispose();
      }
      return undefined;
    };
    expect(await first('/watch/graphql', '{ pulse }')).toEqual({ data: { pulse: 60 } });
    expect(await first('/graphql', '{ fast }')).toEqual({ data: { fast: 'fast' } });
    for (const path of ['/graphql/stream', '/tv/graphql'])
      await expect(first(path, '{ fast }')).rejects.toThrow('404');
  });

  it('is served over event streams that carry many operations, whose tokens are good for it alone', async () => {
    await using tiny = await openGateway();
    const stream = `${urlOf(tiny, 'watch')}/stream`;
    const client = createSseClient({ url: stream, singleConnection: true, retryAttempts: 0 });
    try {
      const results = client.iterate({ query: '{ pulse }' });
      expect(await results.next()).toMatchObject({ value: { data: { pulse: 60 } } });
    } finally {
      client.dispose();
    }
    const token = await (await fetch(stream, { method: 'PUT' })).text();
    const open = (url: string) =>
      fetch(`${url}?token=${token}`, {
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.timeout(5000),
      });
    for (const name of ['web', 'mobile'] as const)
      expect((await open(`${urlOf(tiny, name)}/stream`)).status).toBe(404);
    const opened = await open(stream);
    expect(opened.status).toBe(200);
    await opened.body?.cancel();
  });

  it('may share its path with others, by host or header', async () => {
    const shared = {
      web: {},
      watch: { ...variants.watch, paths: ['/graphql'], header: { name: 'x-app', value: 'watch' } },
    };
    await using tiny = await openGateway({ variants: shared });
    expect((await post(tiny.url, { query: '{ fast }' })).json).toEqual({ data: { fast: 'fast' } });
    const answer = await post(tiny.url, { query: '{ pulse }' }, { 'x-app': 'watch' });
    expect(answer.json).toEqual({ data: { pulse: 60 } });
    expect(answer.headers.get('vary')).toContain('x-app');
  });
});
