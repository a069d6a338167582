import { describe, expect, it } from 'vitest';
import type { Identify } from '../../src/identity/identify.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openStreamServer, type StreamServer, type StreamServerOptions } from '../kit/stream-server.ts';
import { openWire, type Wire } from './wire.ts';

const event = 'subscription { event }';
const sse = 'text/event-stream';
const preflight = 'GraphQL-Require-Preflight: 1';
const multipart = 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0';

/** Posts an operation and reads its answer as it comes. */
async function ask(
  server: StreamServer,
  query: string,
  {
    accept = sse,
    headers = [],
    extensions,
  }: { accept?: string; headers?: string[]; extensions?: object } = {},
): Promise<Wire> {
  const wire = await openWire(server.url);
  const body = JSON.stringify({ query, extensions });
  wire.send(
    'POST /graphql HTTP/1.1',
    'Host: a',
    `Accept: ${accept}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  );
  return wire;
}

function bodyOf(answer: string): string {
  return Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').toString();
}

async function open(options: StreamServerOptions = {}) {
  const server = await openStreamServer(options);
  return { server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe('distinct event streams', () => {
  it('carry events, their cursors as ids, and complete', async () => {
    await using opened = await open();
    const { server } = opened;
    server.topic.live = { cursor: 'c0', recovered: true, reason: undefined };
    await using wire = await ask(server, event);
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    server.topic.publish({ n: 2 });
    server.topic.subscriptions[0]?.sink.end('completed');
    const answer = await wire.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/content-type: text\/event-stream; charset=utf-8\r\n/);
    expect(answer).toMatch(/cache-control: no-store, no-transform\r\n/);
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(bodyOf(answer)).toBe(
      ':\n\nid: c0\n\nevent: next\nid: c1\ndata: {"data":{"n":1}}\n\nevent: next\ndata: {"data":{"n":2}}\n\nevent: complete\ndata:\n\n',
    );
    expect(server.ends).toEqual([{ reason: 'completed', transport: 'sse' }]);
    expect(server.graph.openConnections()).toBe(0);
  });

  it('are one frame for all who read the same event', async () => {
    await using opened = await open();
    const { server } = opened;
    await using one = await ask(server, event);
    await using other = await ask(server, event);
    await server.topic.untilRunning(2);
    server.topic.publish('ä€😀');
    for (const wire of [one, other]) await wire.until(/"data":"/);
    expect(server.topic.encoded).toEqual(new Map([['sse', 1]]));
  });

  it('write a comment as heartbeat, and nothing else while nothing happens', async () => {
    const clock = createFakeClock();
    await using opened = await open({ clock });
    const { server } = opened;
    await using wire = await ask(server, event);
    await wire.until(/:live\n\n/);
    clock.advance(12_500);
    await wire.until(/:live\n\n:\n\n$/);
    clock.advance(12_500);
    expect(bodyOf(await wire.until(/:live\n\n:\n\n:\n\n$/))).toBe(':\n\n:live\n\n:\n\n:\n\n');
  });

  it('carry the one result of a query, and what refuses it, for who takes nothing else', async () => {
    await using opened = await open();
    const { server } = opened;
    for (const [query, data] of [
      ['{ hello }', '{"data":{"hello":"world"}}'],
      ['{', '"GRAPHQL_PARSE_FAILED"'],
      ['subscription { denied }', '"FORBIDDEN"'],
    ] as const) {
      await using wire = await ask(server, query);
      const body = bodyOf(await wire.closed);
      expect(body).toContain(data);
      expect(body.match(/^event: .*$/gm)).toEqual(['event: next', 'event: complete']);
    }
    expect(server.ends).toEqual([]);
    expect(server.records.map(({ codes }) => codes)).toEqual([['GRAPHQL_PARSE_FAILED'], ['FORBIDDEN']]);
  });

  it('hand on from where to resume: header, parameter, extension', async () => {
    await using opened = await open();
    const { server } = opened;
    const url = `/graphql?query=${encodeURIComponent(event)}`;
    for (const [target, headers] of [
      [url, ['Last-Event-ID: c7']],
      [`${url}&lastEventId=c7`, []],
      [`${url}&lastEventId=c1`, ['Last-Event-ID: c7']],
      [`${url}&extensions=${encodeURIComponent('{"resume":"c7"}')}`, []],
    ] as const) {
      await using wire = await openWire(server.url);
      wire.send(`GET ${target} HTTP/1.1`, 'Host: a', preflight, `Accept: ${sse}`, ...headers, '', '');
      await wire.until(/:live/);
      expect(server.contexts.at(-1)?.params?.extensions).toEqual({ resume: 'c7' });
    }
  });

  it('tell of events that cannot be had again', async () => {
    await using opened = await open();
    const { server } = opened;
    server.topic.live = { cursor: 'c9', recovered: false, reason: 'trimmed' };
    await using wire = await ask(server, event);
    // A client that is cut off before the new position still has the old one.
    await wire.until(/"gap":\{"reason":"trimmed"\}.*\n\nid: c9\n\n/);
  });

  it('refuse a mutation by GET', async () => {
    await using opened = await open();
    const { server } = opened;
    await using wire = await openWire(server.url);
    const query = encodeURIComponent('mutation { touch }');
    wire.send(
      `GET /graphql?query=${query} HTTP/1.1`,
      'Host: a',
      'GraphQL-Require-Preflight: 1',
      `Accept: ${sse}`,
      '',
      '',
    );
    expect(bodyOf(await wire.closed)).toContain('METHOD_NOT_ALLOWED');
    expect(server.contexts).toEqual([]);
  });

  it.each([
    ['slow', /\n\nretry: \d+\n\n$/],
    ['drain', /\n\nretry: \d+\n\n$/],
    ['expired', /\n\nretry: \d+\n\n$/],
    ['revoked', /event: next\ndata: .*"UNAUTHENTICATED".*\n\nevent: complete\ndata:\n\n$/],
    ['budget', /event: next\ndata: .*"RATE_LIMITED".*\n\nevent: complete\ndata:\n\n$/],
    ['failed', /event: next\ndata: .*"INTERNAL_SERVER_ERROR".*\n\nevent: complete\ndata:\n\n$/],
  ] as const)('that end for "%s" say so: %s', async (reason, last) => {
    await using opened = await open();
    const { server } = opened;
    await using wire = await ask(server, event);
    await server.topic.untilRunning(1);
    server.topic.subscriptions[0]?.sink.end(reason);
    const body = bodyOf(await wire.closed);
    expect(body).toMatch(last);
    expect(/event: complete/.test(body)).toBe(!/retry/.test(body));
    expect(server.ends).toEqual([{ reason, transport: 'sse' }]);
  });

  it('send clients that are sent away back within 1 to 6 s, each at another time', async () => {
    await using opened = await open();
    const { server } = opened;
    const waits = new Set<number>();
    for (let round = 0; round < 5; round += 1) {
      await using wire = await ask(server, event);
      await server.topic.untilRunning(1);
      server.topic.running()[0]?.sink.end('drain');
      const [subscription] = server.topic.running();
      if (subscription) subscription.stopped = 'drain';
      const waitMs = Number(/retry: (\d+)/.exec(await wire.closed)?.[1]);
      expect(waitMs).toBeGreaterThanOrEqual(1000);
      expect(waitMs).toBeLessThanOrEqual(6000);
      waits.add(waitMs);
    }
    expect(waits.size).toBeGreaterThan(1);
  });

  it('end with their token, and what they carry with them', async () => {
    const clock = createFakeClock();
    const expiresAtMs = clock.wallMs() + 5000;
    const identify: Identify = () =>
      verifiedPrincipal({
        subject: 'a',
        tenant: null,
        client: null,
        scopes: new Set(),
        issuedAtMs: 0,
        expiresAtMs,
      });
    await using opened = await open({ clock, identify });
    const { server } = opened;
    await using wire = await ask(server, event);
    await server.topic.untilRunning(1);
    clock.advance(4700);
    expect(server.ends).toEqual([]);
    clock.advance(900);
    expect(bodyOf(await wire.closed)).toMatch(/retry: \d+\n\n$/);
    expect(server.topic.subscriptions[0]?.stopped).toBe('expired');
    expect(server.ends).toEqual([{ reason: 'expired', transport: 'sse' }]);
  });

  it('end when the client goes, whatever runs', async () => {
    await using opened = await open();
    const { server } = opened;
    const wire = await ask(server, event);
    const slow = await ask(server, '{ slow }');
    await server.topic.untilRunning(1);
    while (server.contexts.length < 2) await new Promise((resolve) => setImmediate(resolve));
    wire.socket.destroy();
    slow.socket.destroy();
    await server.topic.untilRunning(0);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'sse' }]);
    const signal = server.contexts[1]?.signal;
    while (!signal?.aborted) await new Promise((resolve) => setImmediate(resolve));
    server.gate.open();
    expect(server.graph.openConnections()).toBe(0);
  });
});

describe('answers to who takes streams and JSON', () => {
  const both = `${sse}, application/json;q=0.9`;

  it.each([both, `application/json, ${sse}`, `${multipart}, application/graphql-response+json`])(
    'are JSON for a query and for a refusal: %s',
    async (accept) => {
      await using opened = await open();
      const { server } = opened;
      await using hello = await ask(server, '{ hello }', { accept, headers: ['Connection: close'] });
      expect(await hello.closed).toMatch(/json; charset=utf-8\r\n[\s\S]*\{"data":\{"hello":"world"\}\}$/);
      await using denied = await ask(server, 'subscription { denied }', {
        accept,
        headers: ['Connection: close'],
      });
      const refused = await denied.closed;
      expect(refused).toMatch(/FORBIDDEN/);
      if (!accept.includes('application/json')) expect(refused).toMatch(/^HTTP\/1\.1 403 /);
      expect(server.records.map(({ codes }) => codes)).toEqual([['FORBIDDEN']]);
    },
  );

  it('are a stream for a subscription, of the kind that is wanted more', async () => {
    await using opened = await open();
    const { server } = opened;
    for (const [accept, contentType] of [
      [both, 'text/event-stream'],
      [`${sse};q=0.5, ${multipart}`, 'multipart/mixed'],
      [`${multipart}, ${sse}`, 'text/event-stream'],
      [`${multipart};q=0.5, ${sse};q=0.4`, 'multipart/mixed'],
      [`TEXT/EVENT-STREAM, */*`, 'text/event-stream'],
      [`${sse};q=0, ${multipart}`, 'multipart/mixed'],
    ] as const) {
      await using wire = await ask(server, event, { accept });
      expect(await wire.until(/\r\n\r\n/)).toContain(`content-type: ${contentType}`);
    }
  });

  it('refuse a subscription to who takes no stream', async () => {
    await using opened = await open();
    const { server } = opened;
    for (const accept of [
      'application/json',
      '*/*',
      `${sse};q=0, application/json`,
      'multipart/mixed, */*',
    ]) {
      await using wire = await ask(server, event, { accept, headers: ['Connection: close'] });
      expect(await wire.closed).toMatch(/^HTTP\/1\.1 (406|200) [\s\S]*NOT_ACCEPTABLE/);
    }
    expect(server.topic.subscriptions).toEqual([]);
  });

  it.each([[{}], [{ query: 7 }], [{ query: '{ hello }', variables: [] }], ['text'], [null]])(
    'refuse %j as no operation',
    async (body) => {
      await using opened = await open();
      const response = await fetch(opened.server.url, {
        method: 'POST',
        headers: { accept: sse, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    },
  );
});

describe('multipart subscriptions', () => {
  it('carry events as parts, each followed by its boundary at once', async () => {
    await using opened = await open();
    const { server } = opened;
    server.topic.live = { cursor: 'c0', recovered: undefined, reason: undefined };
    await using wire = await ask(server, event, { accept: multipart });
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    await wire.until(/"n":1[\s\S]*\r\n--graphql$/);
    server.topic.subscriptions[0]?.sink.end('completed');
    const answer = await wire.closed;
    expect(answer).toContain('content-type: multipart/mixed;boundary="graphql";subscriptionSpec=1.0\r\n');
    const head = '\r\ncontent-type: application/json';
    expect(bodyOf(answer)).toBe(
      `\r\n--graphql${head}\r\nweir-cursor: c0\r\n\r\n{}\r\n--graphql${head}\r\n\r\n{"payload":{"data":{"n":1},"extensions":{"cursor":"c1"}}}\r\n--graphql--\r\n`,
    );
    expect(server.ends).toEqual([{ reason: 'completed', transport: 'multipart' }]);
  });

  it('beat with an empty part', async () => {
    const clock = createFakeClock();
    await using opened = await open({ clock });
    await using wire = await ask(opened.server, event, { accept: multipart });
    await wire.until(/\{\}\r\n--graphql$/);
    clock.advance(12_500);
    await wire.until(/\{\}\r\n--graphql\r\ncontent-type: application\/json\r\n\r\n\{\}\r\n--graphql$/);
  });

  it.each([
    ['slow', 'OVERLOADED'],
    ['drain', 'OVERLOADED'],
    ['expired', 'UNAUTHENTICATED'],
    ['revoked', 'UNAUTHENTICATED'],
    ['failed', 'INTERNAL_SERVER_ERROR'],
  ] as const)('that end for "%s" have no payload but an error of code %s', async (reason, code) => {
    await using opened = await open();
    const { server } = opened;
    await using wire = await ask(server, event, { accept: multipart });
    await server.topic.untilRunning(1);
    server.topic.subscriptions[0]?.sink.end(reason);
    expect(bodyOf(await wire.closed)).toMatch(
      new RegExp(`\\{"payload":null,"errors":\\[\\{.*"code":"${code}".*\\}\\]\\}\\r\\n--graphql--\\r\\n$`),
    );
  });
});

describe('room', () => {
  it('is for maxConnections, whatever their kind; then 503 and when to come back', async () => {
    await using opened = await open({ settings: { maxConnections: 2 } });
    const { server } = opened;
    const first = await ask(server, event);
    await using second = await ask(server, event, { accept: multipart });
    await server.topic.untilRunning(2);
    await using third = await ask(server, event);
    expect(await third.closed).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: \d+\r\n[\s\S]*OVERLOADED/i);
    first.socket.destroy();
    await server.topic.untilRunning(1);
    await using fourth = await ask(server, event);
    await server.topic.untilRunning(2);
    expect(second.socket.destroyed || fourth.socket.destroyed).toBe(false);
  });

  it('is for maxConnectionsPerPrincipal of one principal; then 429', async () => {
    let subject = 'anna';
    const identify: Identify = () =>
      verifiedPrincipal({
        subject,
        tenant: null,
        client: null,
        scopes: new Set(),
        issuedAtMs: 0,
        expiresAtMs: 8.64e15,
      });
    await using opened = await open({ identify, settings: { maxConnectionsPerPrincipal: 1 } });
    const { server } = opened;
    const first = await ask(server, event);
    await server.topic.untilRunning(1);
    await using second = await ask(server, event);
    expect(await second.closed).toMatch(/^HTTP\/1\.1 429 [\s\S]*RATE_LIMITED/);
    subject = 'bob';
    await using other = await ask(server, event);
    await server.topic.untilRunning(2);
    subject = 'anna';
    first.socket.destroy();
    await server.topic.untilRunning(1);
    await using third = await ask(server, event);
    await server.topic.untilRunning(2);
    expect(other.socket.destroyed || third.socket.destroyed).toBe(false);
  });

  it('is not taken by what is refused', async () => {
    await using opened = await open({ settings: { maxConnectionsPerPrincipal: 1 } });
    const { server } = opened;
    for (const accept of [sse, `${sse}, application/json`]) {
      await using wire = await ask(server, 'subscription { denied }', {
        accept,
        headers: ['Connection: close'],
      });
      await wire.closed;
    }
    await using wire = await ask(server, event);
    await server.topic.untilRunning(1);
    expect(wire.socket.destroyed).toBe(false);
  });
});
