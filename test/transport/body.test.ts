import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { codesOf, openTinyGateway, post, preflighted, send } from '../kit/tiny-gateway.ts';
import { openWire } from './wire.ts';

const bodyMaxBytes = 4096;
const limits = { bodyMaxBytes };

/** A valid operation of exactly `bytes`. */
function bodyOf(bytes: number): Buffer {
  const empty = JSON.stringify({ query: '{ fast }#' });
  return Buffer.from(JSON.stringify({ query: `{ fast }#${'x'.repeat(bytes - empty.length)}` }));
}

const jsonHead = ['POST /graphql HTTP/1.1', 'Host: a', 'Content-Type: application/json'];

describe('readBody()', () => {
  it.each([
    [-1, 200],
    [0, 200],
    [1, 413],
  ])('answers a body of the limit %i bytes with %i when its length is announced', async (beside, status) => {
    await using tiny = await openTinyGateway({ limits });
    const answer = await post(tiny.url, bodyOf(bodyMaxBytes + beside));
    expect(answer.status).toBe(status);
    expect(codesOf(answer)).toEqual(status === 200 ? [] : ['PAYLOAD_TOO_LARGE']);
  });

  it.each([
    [-1, 200],
    [0, 200],
    [1, 413],
  ])('answers a body of the limit %i bytes with %i when it comes in chunks', async (beside, status) => {
    await using tiny = await openTinyGateway({ limits });
    await using wire = await openWire(tiny.url);
    const body = bodyOf(bodyMaxBytes + beside);
    wire.send(...jsonHead, 'Transfer-Encoding: chunked', 'Connection: close', '', '');
    for (let start = 0; start < body.length; start += 500) {
      const chunk = body.subarray(start, start + 500);
      wire.send(chunk.length.toString(16), chunk.toString(), '');
    }
    wire.send('0', '', '');
    expect(await wire.closed).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('names the limit and the option when a body is above it', async () => {
    await using tiny = await openTinyGateway({ limits });
    const answer = await post(tiny.url, bodyOf(bodyMaxBytes + 1));
    expect(answer.json.errors?.[0]?.message).toBe(
      'Expected a request body of at most 4096 bytes, got more. The option is limits.bodyMaxBytes.',
    );
    expect(answer.headers.get('x-request-id')).toBeTruthy();
  });

  it('57: answers before a byte of the body came when too much is announced', async () => {
    await using tiny = await openTinyGateway({ limits });
    await using wire = await openWire(tiny.url);
    wire.send(...jsonHead, 'Content-Length: 60000000', '', '');
    expect(await wire.closed).toMatch(/^HTTP\/1\.1 413 .*\r\n[\s\S]*PAYLOAD_TOO_LARGE/);
  });

  it('57, 58: reads no more than a little above the limit of a body without end, and closes the connection', async () => {
    await using tiny = await openTinyGateway({ limits });
    await using wire = await openWire(tiny.url);
    wire.send(...jsonHead, 'Transfer-Encoding: chunked', '', '');
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const before = process.memoryUsage().rss;
    let isClosed = false;
    void wire.closed.then(() => {
      isClosed = true;
    });
    let sent = 0;
    while (!isClosed && sent < 512 * 1024 * 1024) {
      sent += chunk.length;
      if (!wire.socket.write(chunk))
        await Promise.race([once(wire.socket, 'drain'), wire.closed]).catch(() => {});
    }
    expect(await wire.closed).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeLessThan(32 * 1024 * 1024); // what the kernel's buffers take
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('reads a body that comes byte by byte, with characters torn apart', async () => {
    await using tiny = await openTinyGateway();
    await using wire = await openWire(tiny.url);
    const body = Buffer.from(JSON.stringify({ query: '{ fast } # Grüße 🌍' }));
    wire.send(...jsonHead, `Content-Length: ${body.length}`, 'Connection: close', '', '');
    for (const byte of body) {
      wire.socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    expect(await wire.closed).toMatch(/^HTTP\/1\.1 200 [\s\S]*{"data":{"fast":"fast"}}/);
  });

  it('does not log a client that goes in the middle of its body', async () => {
    await using tiny = await openTinyGateway();
    await using wire = await openWire(tiny.url);
    wire.send(...jsonHead, 'Content-Length: 1000', '', '{"query":');
    await tiny.ask('{ fast }');
    wire.socket.destroy();
    await wire.closed;
    await tiny.ask('{ fast }');
    expect(tiny.log.lines).toEqual([]);
  });

  it('delivers the refusal of a large body to a stock client every time', async () => {
    await using tiny = await openTinyGateway({ limits });
    const body = bodyOf(2 * 1024 * 1024);
    for (let round = 0; round < 50; round += 1) expect((await post(tiny.url, body)).status).toBe(413);
  });
});

describe('parseBody()', () => {
  it.each([
    ['', 'nothing'],
    ['{', 'half an object'],
    ['{"query":"{ fast }"} trailing', 'something behind it'],
    ["{'query':'{ fast }'}", 'other quotes'],
    ['query { fast }', 'GraphQL'],
    ['NaN', 'no JSON value'],
  ])('refuses %j: %s', async (text) => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, Buffer.from(text));
    expect(answer.status).toBe(400);
    expect(answer.json.errors).toEqual([
      { message: 'Expected JSON in the request body.', extensions: { code: 'BAD_REQUEST' } },
    ]);
  });

  it.each([
    ['5'],
    ['null'],
    ['"{ fast }"'],
    ['{}'],
    ['{"query":5}'],
    ['{"query":"{ fast }","variables":[]}'],
    ['{"query":"{ fast }","variables":"{}"}'],
    ['{"query":"{ fast }","extensions":5}'],
    ['{"query":"{ fast }","operationName":5}'],
  ])('refuses %s as a request', async (text) => {
    await using tiny = await openTinyGateway();
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await post(tiny.url, Buffer.from(text), { accept });
      expect(answer.status).toBe(400);
      expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
    }
  });

  const operation = '{"query":"{ fast }"}';

  it.each([
    ['none', '[]'],
    ['one', `[${operation}]`],
    ['ten', `[${Array(10).fill(operation)}]`],
    ['10,000', `[${Array(10_000).fill(operation)}]`],
    ['lists of them', `[[${operation}],[${operation}]]`],
    ['one behind white space', ` \t\r\n[${operation}]`],
  ])('48: refuses a list of operations: %s', async (_name, text) => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, Buffer.from(text));
    expect([answer.status, codesOf(answer)]).toEqual([400, ['BATCHING_DISABLED']]);
  });

  it.each([
    ['{"query":"{ fast }","frobnicate":5}'],
    ['{"query":"{ fast }","__proto__":{"query":"{ slow }"}}'],
    ['{"query":"{ fast }","constructor":{"prototype":{"polluted":1}}}'],
  ])('passes over the member of %s that is not of a request', async (text) => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, Buffer.from(text));
    expect(answer.json).toEqual({ data: { fast: 'fast' } });
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it('keeps __proto__ in variables a mere name', async () => {
    await using tiny = await openTinyGateway();
    const text = '{"query":"query ($n: Even) { even(n: $n) }","variables":{"__proto__":{"n":4},"n":2}}';
    expect((await post(tiny.url, Buffer.from(text))).json).toEqual({ data: { even: 2 } });
    const inherited = '{"query":"query ($n: Even) { even(n: $n) }","variables":{"__proto__":{"n":4}}}';
    expect((await post(tiny.url, Buffer.from(inherited))).json).toEqual({ data: { even: null } });
  });

  it.each([
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
    [Buffer.from([0xc0, 0x80])],
    [Buffer.concat([Buffer.from('{"query":"{ fast } # '), Buffer.of(0xe2, 0x82), Buffer.from('"}')])],
    [Buffer.from('{"query":"{ fast }"}', 'utf16le').subarray(0, 3)],
  ])('refuses what is no UTF-8', async (bytes) => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, bytes);
    expect(answer.status).toBe(400);
    expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
  });
});

describe('parseQuery()', () => {
  it('reads query, variables and operation name from the URL', async () => {
    await using tiny = await openTinyGateway();
    const url = new URL(tiny.url);
    url.searchParams.set('query', 'query A($n: Even) { even(n: $n) } query B { fast }');
    url.searchParams.set('variables', '{"n":2}');
    url.searchParams.set('operationName', 'A');
    url.searchParams.set('extensions', '{}');
    expect((await send(url.href, { headers: preflighted })).json).toEqual({ data: { even: 2 } });
  });

  it.each(['variables', 'extensions'])('refuses %s that are no JSON', async (name) => {
    await using tiny = await openTinyGateway();
    const answer = await send(`${tiny.url}?query={fast}&${name}={`, { headers: preflighted });
    expect(answer.status).toBe(400);
    expect(answer.json.errors).toEqual([
      { message: `Expected JSON in the parameter "${name}".`, extensions: { code: 'BAD_REQUEST' } },
    ]);
    expect(tiny.log.lines).toEqual([]);
  });

  it.each(['', '?', '?query=', '?q={fast}', '?query={fast}&variables=[]', '?query={fast}&variables=5'])(
    'refuses a URL that ends in "%s"',
    async (end) => {
      await using tiny = await openTinyGateway();
      const answer = await send(tiny.url + end, { headers: preflighted });
      expect(answer.status).toBe(400);
      expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
    },
  );

  it('38: refuses a mutation by GET with 405 and does not run it', async () => {
    await using tiny = await openTinyGateway();
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await send(`${tiny.url}?query=mutation{touch}`, { headers: { accept, ...preflighted } });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(codesOf(answer)).toEqual(['METHOD_NOT_ALLOWED']);
    }
    expect(tiny.probe.touches).toBe(0);
  });

  it('answers an address that ends like a health check as any other', async () => {
    await using tiny = await openTinyGateway();
    const answer = await send(`${tiny.url}?query={fast}&operationName=/health`, { headers: preflighted });
    expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
    expect(answer.headers.get('x-yoga-id')).toBeNull();
  });
});
