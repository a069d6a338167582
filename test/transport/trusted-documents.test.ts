import { EventSource } from 'eventsource';
import type { GraphQLError } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient, type SubscribePayload } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';
import { StartError } from '../../src/index.ts';
import { codesOf, post, send } from '../kit/tiny-gateway.ts';
import { openTrustedGateway } from '../kit/trusted-gateway.ts';

const query = 'query Fast { fast }';
const ticks = 'subscription Ticks { ticks }';
const manifest = Object.fromEntries([query, ticks].map((text) => [documentIdOf(text), text]));
const [queryId, ticksId] = [documentIdOf(query), documentIdOf(ticks)];
const untrusted = 'query Other { fast }';
const untrustedTicks = 'subscription Other { ticks }';

/** A subscription as a client sends it, and what came of it: its events, or the codes that refused it. */
type Subscribe = (url: string, payload: Record<string, unknown>) => Promise<unknown>;

const transports: Readonly<Record<string, Subscribe>> = {
  WebSocket: async (url, payload) => {
    const client = createWsClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    // as: the client's own type knows no ids of documents
    const sent = { query: '', ...payload } as unknown as SubscribePayload;
    const all: unknown[] = [];
    try {
      for await (const { data } of client.iterate(sent)) all.push(data?.['ticks']);
      return all;
    } catch (errors) {
      return codesIn(errors);
    } finally {
      await client.dispose();
    }
  },
  'an event stream': (url, payload) => bySse(url, payload, false),
  'an event stream of many operations': (url, payload) => bySse(`${url}/stream`, payload, true),
  multipart: async (url, payload) => {
    const { text } = await send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'multipart/mixed;subscriptionSpec=1.0, application/json',
      },
      body: JSON.stringify(payload),
    });
    if (text.startsWith('{')) return codesIn(JSON.parse(text).errors);
    return [...text.matchAll(/"ticks":(\d)/g)].map(([, tick]) => Number(tick));
  },
};

async function bySse(url: string, payload: Record<string, unknown>, singleConnection: boolean) {
  let refused: readonly unknown[] | undefined;
  const client = createSseClient({
    url,
    singleConnection,
    retryAttempts: 0,
    // The client shows no body of an answer that is no stream.
    fetchFn: async (target: string, init: RequestInit) => {
      const response = await fetch(target, init);
      if (!response.ok) refused = codesIn((await response.clone().json()).errors);
      return response;
    },
  });
  const all: unknown[] = [];
  try {
    // as: the client's own type knows no ids of documents
    const results = client.iterate({ query: '', ...payload } as unknown as Parameters<
      typeof client.iterate
    >[0]);
    for await (const { data, errors } of results) all.push(errors ? codesIn(errors)[0] : data?.['ticks']);
    return all;
  } catch (thrown) {
    return refused ?? Promise.reject(thrown);
  } finally {
    client.dispose();
  }
}

function codesIn(errors: unknown): readonly unknown[] {
  if (!Array.isArray(errors)) throw errors;
  return errors.map(({ extensions }: GraphQLError) => extensions['code']);
}

describe.each(Object.entries(transports))('over %s in production', (_name, subscribe) => {
  it('a trusted subscription runs by its id, and by its text', async () => {
    await using tiny = await openTrustedGateway(manifest);
    const all = await subscribe(tiny.url, { documentId: ticksId });
    expect(all).toEqual([1, 2, 3]);
    const persistedQuery = { version: 1, sha256Hash: ticksId.slice('sha256:'.length) };
    expect(await subscribe(tiny.url, { extensions: { persistedQuery } })).toEqual(all);
    expect(await subscribe(tiny.url, { query: ticks })).toEqual(all);
  });

  it('nothing else runs', async () => {
    await using tiny = await openTrustedGateway(manifest);
    expect(await subscribe(tiny.url, { query: untrustedTicks })).toEqual(['DOCUMENT_NOT_TRUSTED']);
    expect(await subscribe(tiny.url, { documentId: 'unknown' })).toEqual(['DOCUMENT_NOT_FOUND']);
    expect(tiny.probe.contexts).toEqual([]);
  });
});

describe('over HTTP in production', () => {
  it.each([
    ['POST', (url: string) => post(url, { documentId: queryId })],
    ["Apollo's extension", (url: string) => post(url, { extensions: apqOf(query) })],
    ['its text', (url: string) => post(url, { query })],
    ['GET', (url: string) => send(`${url}?documentId=${queryId}`)],
    [
      'GET with operation and variables',
      (url: string) => send(`${url}?documentId=${queryId}&operationName=Fast&variables={}`),
    ],
    [
      "GET with Apollo's extension",
      (url: string) => send(`${url}?extensions=${encodeURIComponent(JSON.stringify(apqOf(query)))}`),
    ],
    ['GET of its text', (url: string) => send(`${url}?query=${encodeURIComponent(query)}`)],
    ['its own address', (url: string) => send(`${url}/documents/${queryId}`)],
    ['its own address, escaped', (url: string) => send(`${url}/documents/${encodeURIComponent(queryId)}`)],
    [
      'the address of another path',
      (url: string) => send(`${url.replace('/graphql', '/web/graphql')}/documents/${queryId.slice(7)}`),
    ],
  ])('a trusted query runs by %s', async (_name, ask) => {
    await using tiny = await openTrustedGateway(manifest);
    expect(await ask(tiny.url)).toMatchObject({ status: 200, json: { data: { fast: 'fast' } } });
  });

  it('a trusted subscription runs for the EventSource of a browser, which can send no headers', async () => {
    await using tiny = await openTrustedGateway(manifest);
    const source = new EventSource(`${tiny.url}?documentId=${ticksId}`);
    const all = await new Promise<readonly unknown[]>((resolve, reject) => {
      const events: unknown[] = [];
      source.addEventListener('next', ({ data }) => events.push(JSON.parse(data).data.ticks));
      source.addEventListener('complete', () => resolve(events));
      source.addEventListener('error', reject);
    });
    source.close();
    expect(all).toEqual([1, 2, 3]);
  });

  it('any other text is refused, whatever is in it', async () => {
    await using tiny = await openTrustedGateway(manifest);
    const answers = await Promise.all(
      [untrusted, '{', `${query} `, 'mutation { touch }', '{ __schema { types { name } } }'].map((text) =>
        post(tiny.url, { query: text }),
      ),
    );
    for (const { status, text, headers } of answers) {
      expect(status).toBe(403);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(text).toBe(
        '{"errors":[{"message":"Only documents that are known here are run: send the id of one.","extensions":{"code":"DOCUMENT_NOT_TRUSTED"}}]}',
      );
    }
    expect(tiny.probe.touches).toBe(0);
    expect(tiny.log.operations.map(({ codes }) => codes)).toEqual(
      answers.map(() => ['DOCUMENT_NOT_TRUSTED']),
    );
  });

  it('every unknown id has the same answer, by every way', async () => {
    await using tiny = await openTrustedGateway(manifest);
    const ids = [
      queryId.replace('sha256', 'md5'),
      documentIdOf(untrusted),
      'a',
      'x'.repeat(2000),
      '../graphql',
      'é',
    ];
    const answers = await Promise.all(
      ids.flatMap((id) => [
        post(tiny.url, { documentId: id }),
        post(tiny.url, { extensions: { persistedQuery: { version: 1, sha256Hash: id } } }),
        send(`${tiny.url}?documentId=${encodeURIComponent(id)}`, graphqlJson),
        send(`${tiny.url}/documents/${encodeURIComponent(id)}`, graphqlJson),
      ]),
    );
    for (const { status, text, headers } of answers) {
      expect(status).toBe(404);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(text).toBe(
        '{"errors":[{"message":"No document is known by this id.","extensions":{"code":"DOCUMENT_NOT_FOUND"}}]}',
      );
    }
  });

  it.each([
    ['a document in the path and in the query', `/documents/${queryId}?documentId=${queryId}`, 400],
    ['a text beside the path', `/documents/${queryId}?query={fast}`, 400],
    ['an empty id', '/documents/', 404],
    ['an id that is no text', '/documents/%E0%A4%A', 404],
    ['a path below the stream', `/stream/documents/${queryId}`, 404],
    ['an id and a text', `?documentId=${queryId}&query={fast}`, 400],
    ['variables that are no object', `?documentId=${queryId}&variables=[]`, 400],
  ])('%s is refused', async (_name, end, status) => {
    await using tiny = await openTrustedGateway(manifest);
    expect(await send(tiny.url + end)).toMatchObject({ status, json: { errors: [{}] } });
  });

  it('a document has no WebSocket of its own', async () => {
    await using tiny = await openTrustedGateway(manifest);
    const socket = new WebSocket(
      `${tiny.url.replace('http', 'ws')}/documents/${queryId}`,
      'graphql-transport-ws',
    );
    expect(await new Promise((resolve) => socket.once('error', resolve))).toMatchObject({
      message: 'Unexpected server response: 404',
    });
  });

  it('a subscription whose position is asked for must be trusted too', async () => {
    await using tiny = await openTrustedGateway(manifest);
    const ask = (cursor: object) => post(tiny.url, { documentId: queryId, extensions: { cursor } });
    expect(codesOf(await ask({ query: untrustedTicks }))).toEqual(['DOCUMENT_NOT_TRUSTED']);
    expect(codesOf(await ask({ documentId: 'unknown' }))).toEqual(['DOCUMENT_NOT_FOUND']);
    // Trusted, and refused for what it is: its events have no position.
    expect((await ask({ documentId: ticksId })).json.errors?.[0]?.message).toContain('have no position');
    expect((await ask({ query: ticks })).json.errors?.[0]?.message).toContain('have no position');
  });
});

describe('the start', () => {
  const faulty = { ...manifest, bad: '{ nothing }' };

  it('ends in production with a line for each faulty document', async () => {
    const started = openTrustedGateway({ ...faulty, worse: '{' });
    const error: unknown = await started.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(StartError);
    const { faults } = error as StartError; // as: expected above
    expect(faults).toHaveLength(2);
    expect(faults[0]).toMatch(
      /^variants\.web\.documents: .*documents\.json, "bad": line 1, column 3: Cannot query field "nothing"/,
    );
    expect(faults[1]).toMatch(/documents\.json, "worse": .*Syntax Error/);
  });

  it('goes on elsewhere, with the others and a line in the log', async () => {
    await using tiny = await openTrustedGateway(faulty, {}, {});
    expect(await post(tiny.url, { documentId: queryId })).toMatchObject({ status: 200 });
    expect(tiny.log.lines).toMatchObject([
      {
        level: 'warn',
        message: 'a document is not trusted',
        fields: { fault: expect.stringContaining('"bad"') },
      },
    ]);
  });

  it('says in production that nothing can be asked when there is no document', async () => {
    await using tiny = await openTrustedGateway({});
    expect(tiny.log.lines.map(({ message }) => message)).toEqual([
      'no document is trusted; only holders of the scope can ask',
    ]);
  });
});

describe('a change of the manifest', () => {
  it('is taken without a restart, and counted; a faulty one is not', async () => {
    const gateway = await openTrustedGateway(manifest, { documents: { reloadMs: 20 } });
    await using tiny = gateway;
    const added = 'query Added { fast }';
    expect((await post(tiny.url, { documentId: documentIdOf(added) })).status).toBe(404);
    await gateway.write({ ...manifest, [documentIdOf(added)]: added });
    await expect
      .poll(async () => (await post(tiny.url, { documentId: documentIdOf(added) })).status)
      .toBe(200);
    await gateway.write('{');
    await expect.poll(() => tiny.log.lines.at(-1)?.level).toBe('error');
    expect((await post(tiny.url, { documentId: documentIdOf(added) })).status).toBe(200);
    const { text } = await send(`${tiny.adminUrl}/metrics`);
    expect(text).toMatch(/weir_documents_total{variant="web",found="id"} [1-9]/);
    expect(text).toContain('weir_trusted_documents{variant="web"} 3');
    expect(text).toContain('weir_trusted_document_reloads_total{variant="web",outcome="taken"} 1');
    expect(text).toMatch(/reloads_total{variant="web",outcome="refused"} [1-9]/);
  });
});

const graphqlJson = { headers: { accept: 'application/graphql-response+json' } };

function apqOf(text: string) {
  return { persistedQuery: { version: 1, sha256Hash: documentIdOf(text).slice('sha256:'.length) } };
}

describe('outside production', () => {
  it('others run too', async () => {
    await using tiny = await openTrustedGateway(manifest, {}, {});
    expect((await post(tiny.url, { query: untrusted })).status).toBe(200);
  });

  it('they do not when the variant says so', async () => {
    await using tiny = await openTrustedGateway(manifest, { documents: { allow: 'trusted' } }, {});
    expect(codesOf(await post(tiny.url, { query: untrusted }))).toEqual(['DOCUMENT_NOT_TRUSTED']);
  });

  it('each variant has its own documents', async () => {
    const variants = { web: {}, mobile: { documents: { manifests: [] } } };
    await using tiny = await openTrustedGateway(manifest, { variants });
    expect((await post(tiny.url, { documentId: queryId })).status).toBe(200);
    const mobile = tiny.url.replace('/graphql', '/mobile/graphql');
    expect((await post(mobile, { documentId: queryId })).status).toBe(404);
  });
});
