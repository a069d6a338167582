import { once } from 'node:events';
import { createServer, get as httpGet, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import SchemaBuilder from '@pothos/core';
import { describe, expect, it } from 'vitest';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';
import { type OperationContext, weirPluginName } from '../../src/index.ts';
import { type AnswerSender, codingFrom, createAnswerSender } from '../../src/transport/compression.ts';
import { writeCertificate } from '../kit/certificate-files.ts';
import { openHttp2 } from '../kit/http2-client.ts';
import { openStreamServer, type StreamServerOptions } from '../kit/stream-server.ts';
import { preflighted } from '../kit/tiny-gateway.ts';
import { openTrustedGateway } from '../kit/trusted-gateway.ts';

const decoders = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync } as const;
const codings = Object.keys(decoders) as (keyof typeof decoders)[]; // as: the keys of the table above

function decoded(coding: unknown, body: Buffer): string {
  const decode = codings.find((name) => name === coding);
  return (decode ? decoders[decode](body) : body).toString();
}

/** A request by Node's own client, which neither asks for a coding nor undoes one by itself. */
async function get(url: string, headers: Record<string, string> = {}) {
  const [response] = await once(httpGet(url, { headers, agent: false }), 'response');
  const body = await buffer(response);
  const answered: IncomingHttpHeaders = response.headers;
  return {
    status: Number(response.statusCode),
    headers: answered,
    bytes: body.length,
    text: decoded(answered['content-encoding'], body),
    body,
  };
}

const bodyOf = (length: number) => JSON.stringify({ data: { big: 'x'.repeat(length) } });
const frameBytes = bodyOf(0).length;
const pathOf = (bytes: number) => `?query={big(bytes:${bytes - frameBytes})}`;

async function open(options: StreamServerOptions = {}) {
  const server = await openStreamServer(options);
  return {
    server,
    ask: (bytes: number, headers: Record<string, string> = {}) =>
      get(`${server.url}${pathOf(bytes)}`, { ...preflighted, ...headers }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe('codingFrom()', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['br', 'br'],
    ['zstd', 'zstd'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, zstd', 'zstd'],
    ['gzip, deflate', 'gzip'],
    ['deflate, compress, unknown', undefined],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br ; q=0.5 ,gzip ; Q=0.501', 'gzip'],
    ['br;q=0', undefined],
    ['br;q=0.000, gzip;q=0.001', 'gzip'],
    ['br;q=2, gzip;q=x, zstd;q=0.1234', undefined],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['br;q=0, *', 'zstd'],
    ['gzip;q=0.1, *;q=0', 'gzip'],
    ['identity', undefined],
    ['identity, gzip', 'gzip'],
    ['identity;q=0.9, gzip;q=0.8', undefined],
    ['identity;q=0.5, *;q=0.4', undefined],
    ['identity;q=0', undefined],
    ['identity;q=0, gzip;q=0.1', 'gzip'],
    ['identity;q=0, unknown', undefined],
    [`${'a,'.repeat(31)}gzip`, 'gzip'],
    [`${'a,'.repeat(32)}gzip`, undefined],
    [';;;q=,,;q=1', undefined],
  ])('of %j is %s', (header, coding) => {
    expect(codingFrom(header)).toBe(coding);
  });
});

describe('an answer over HTTP/1.1', () => {
  it.each(codings)('comes in %s to who asks for it', async (coding) => {
    await using opened = await open();
    const answer = await opened.ask(20_000, { 'accept-encoding': `${coding}, identity;q=0.5` });
    expect(answer).toMatchObject({ status: 200, text: bodyOf(20_000 - frameBytes) });
    expect(answer.headers).toMatchObject({
      'content-encoding': coding,
      'content-length': String(answer.bytes),
      'content-type': 'application/json; charset=utf-8',
      vary: 'Accept-Encoding',
    });
    expect(answer.bytes).toBeLessThan(500);
  });

  it.each([undefined, 'identity', 'deflate', 'gzip;q=0', '*;q=0', 'identity;q=0'])(
    'comes as it is with Accept-Encoding %j, and says that it might not',
    async (header) => {
      await using opened = await open();
      const answer = await opened.ask(2000, header === undefined ? {} : { 'accept-encoding': header });
      expect(answer).toMatchObject({ status: 200, bytes: 2000, text: bodyOf(2000 - frameBytes) });
      expect(answer.headers).toMatchObject({ 'content-length': '2000', vary: 'Accept-Encoding' });
      expect(answer.headers['content-encoding']).toBeUndefined();
    },
  );

  it.each([
    [1024, 1023, undefined, undefined],
    [1024, 1024, 'gzip', 'Accept-Encoding'],
    [1024, 1025, 'gzip', 'Accept-Encoding'],
    [1, 100, 'gzip', 'Accept-Encoding'],
    [0, 50_000, undefined, undefined],
  ])('from %i bytes: of %i bytes is %s', async (compressionMinBytes, bytes, coding, vary) => {
    await using opened = await open({ edge: { compressionMinBytes } });
    const { headers, text } = await opened.ask(bytes, { 'accept-encoding': 'gzip' });
    expect([headers['content-encoding'], headers.vary]).toEqual([coding, vary]);
    expect(Buffer.byteLength(text)).toBe(bytes);
  });

  it('says in zstd how long it is, so that both sides make room for no more', async () => {
    await using opened = await open();
    const { body } = await opened.ask(2000, { 'accept-encoding': 'zstd' });
    // RFC 8878 section 3.1.1.1: behind the magic number; its first three bits say whether there is a size.
    expect(body.readUInt8(4) >> 5).not.toBe(0);
  });

  it('adds to what it varies by', async () => {
    await using opened = await open({ edge: { allowedOrigins: ['https://a.example'] } });
    const { headers } = await opened.ask(2000, { 'accept-encoding': 'br', origin: 'https://a.example' });
    expect(headers.vary?.split(', ')).toEqual(expect.arrayContaining(['Origin', 'Accept-Encoding']));
  });

  it('is undone by fetch', async () => {
    await using opened = await open();
    const response = await fetch(`${opened.server.url}${pathOf(5000)}`, { headers: preflighted });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe(bodyOf(5000 - frameBytes));
  });

  it.each([
    ['text/event-stream', 'text/event-stream'],
    ['multipart/mixed;subscriptionSpec=1.0', 'multipart/mixed'],
  ])('is no stream: %s is never compressed', async (accept, type) => {
    await using opened = await open();
    const { headers, text } = await opened.ask(5000, { accept, 'accept-encoding': 'br, gzip, zstd' });
    expect(headers['content-type']).toContain(type);
    expect([headers['content-encoding'], headers.vary]).toEqual([undefined, undefined]);
    expect(text).toContain('x'.repeat(4000));
  });
});

it.each(codings)('an answer over HTTP/2 comes in %s', async (coding) => {
  await using files = await writeCertificate();
  const { certFile, keyFile } = files;
  await using server = await openStreamServer({ tls: { certFile, keyFile } });
  await using client = await openHttp2(server.url);
  const path = `/graphql${encodeURI(pathOf(5000))}`;
  const stream = client.session.request({ ':path': path, 'accept-encoding': coding, ...preflighted });
  const [headers] = await once(stream, 'response');
  const body = await buffer(stream);
  expect(headers).toMatchObject({
    ':status': 200,
    'content-encoding': coding,
    'content-length': String(body.length),
    vary: 'Accept-Encoding',
  });
  expect(decoded(coding, body)).toBe(bodyOf(5000 - frameBytes));
});

describe('an answer that may be kept', () => {
  async function openKept() {
    const builder = new SchemaBuilder<{ Context: OperationContext }>({
      plugins: [weirPluginName],
      // The shop's schema brings the plugin that asks for it, in the types of this program.
      scopeAuth: { authScopes: () => ({}) },
    });
    builder.queryType({
      fields: (t) => ({
        text: t.string({ cache: { maxAgeSeconds: 60, scope: 'public' }, resolve: () => 'x'.repeat(2000) }),
      }),
    });
    const query = 'query Text { text }';
    const id = documentIdOf(query);
    const tiny = await openTrustedGateway({ [id]: query }, { schema: builder.toSchema(), upstreams: {} });
    return {
      ask: (headers: Record<string, string>) => get(`${tiny.url}/documents/${id}`, headers),
      [Symbol.asyncDispose]: () => tiny[Symbol.asyncDispose](),
    };
  }

  it('has one weak tag in every coding, and is 304 to who has any of them', async () => {
    await using kept = await openKept();
    const plain = await kept.ask({});
    expect(plain.headers.etag).toMatch(/^W\//);
    expect(plain.headers.vary).toBe('Accept, Accept-Encoding');
    for (const coding of codings) {
      const answer = await kept.ask({ 'accept-encoding': coding });
      expect(answer.headers).toMatchObject({
        'content-encoding': coding,
        'content-length': String(answer.bytes),
        'cache-control': 'public, max-age=60',
        etag: plain.headers.etag,
        vary: plain.headers.vary,
      });
      expect(answer.text).toBe(plain.text);
      const known = { 'accept-encoding': coding, 'if-none-match': String(plain.headers.etag) };
      const again = await kept.ask(known);
      expect([again.status, again.bytes, again.headers['content-encoding']]).toEqual([304, 0, undefined]);
      expect([again.headers.etag, again.headers.vary]).toEqual([plain.headers.etag, plain.headers.vary]);
    }
  });
});

describe('createAnswerSender()', () => {
  const answer = { status: 200, headers: {}, body: 'x'.repeat(2000) };

  async function openServer(listener: (response: ServerResponse) => void) {
    const server = createServer((_request, response) => listener(response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
    return {
      ask: () => get(`http://127.0.0.1:${port}`, { 'accept-encoding': 'br' }),
      [Symbol.asyncDispose]: async () => {
        const closed = once(server, 'close');
        server.close();
        await closed;
      },
    };
  }

  it.each([
    [1, ['br', undefined, undefined]],
    [2, ['br', 'br', undefined]],
    [3, ['br', 'br', 'br']],
  ])('compresses at most %i at one time', async (maxAtOnce, expected) => {
    const sender = createAnswerSender({ compressionMinBytes: 1 }, maxAtOnce);
    const waiting: ServerResponse[] = [];
    await using server = await openServer((response) => {
      waiting.push(response);
      if (waiting.length === 3) for (const one of waiting.splice(0)) void sender.send(one, answer);
    });
    for (let turn = 0; turn < 2; turn += 1) {
      const answers = await Promise.all([server.ask(), server.ask(), server.ask()]);
      const found = answers.map(({ headers }) => headers['content-encoding']);
      expect(found.toSorted()).toEqual(expected);
      expect(answers.map(({ text }) => text)).toEqual(Array(3).fill(answer.body));
    }
  });

  it.each<[string, (sender: AnswerSender, response: ServerResponse) => unknown]>([
    [
      'before',
      (sender, response) => {
        response.destroy();
        return sender.send(response, answer);
      },
    ],
    [
      'while it is compressed',
      (sender, response) => {
        const sent = sender.send(response, answer);
        response.destroy();
        return sent;
      },
    ],
  ])('sends nothing to a client that goes %s', async (_when, go) => {
    const sender = createAnswerSender({ compressionMinBytes: 1 });
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    await using server = await openServer((response) => {
      Promise.resolve(go(sender, response)).then(() => resolve(response.headersSent), reject);
    });
    await expect(server.ask()).rejects.toThrow('socket hang up');
    expect(await promise).toBe(false);
  });
});
