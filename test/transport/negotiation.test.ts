import { describe, expect, it } from 'vitest';
import { codesOf, openTinyGateway, post, send } from '../kit/tiny-gateway.ts';
import { openWire } from './wire.ts';

const body = JSON.stringify({ query: 'mutation { touch }' });
const accept = 'application/graphql-response+json';

describe('assertServable()', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset="utf-8"',
    'APPLICATION/JSON',
  ])('42: lets a body of type %s pass', async (contentType) => {
    await using tiny = await openTinyGateway();
    const answer = await send(tiny.url, {
      method: 'POST',
      headers: { 'content-type': contentType, accept },
      body,
    });
    expect(answer).toMatchObject({ status: 200, json: { data: { touch: 1 } } });
  });

  it.each([
    ['application/x-www-form-urlencoded', 'query=mutation%20%7B%20touch%20%7D'],
    ['text/plain', body],
    ['application/graphql', 'mutation { touch }'],
    [
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${body}\r\n--x--\r\n`,
    ],
    ['application/json, text/plain', body],
    ['text/plain; application/json', body],
    ['application/json; charset=utf-16', body],
    ['application/jsonp', body],
    ['application/graphql+json', body],
    ['application/json; charset="utf-8', body],
    ['application/json; charset=utf-8; charset=utf-8', body],
    ['application/json charset=utf-8', body],
    ['application/json; boundary=x', body],
    ['', body],
  ])(
    '39, 41, 42: refuses a body of type "%s" with 415, and runs no mutation of it',
    async (contentType, text) => {
      await using tiny = await openTinyGateway();
      const headers = { accept, 'content-type': contentType };
      const answer = await send(tiny.url, { method: 'POST', headers, body: Buffer.from(text) });
      expect(answer.status).toBe(415);
      expect(codesOf(answer)).toEqual(['UNSUPPORTED_MEDIA_TYPE']);
      expect(tiny.probe.touches).toBe(0);
      await post(tiny.url, body);
      expect(tiny.probe.touches).toBe(1); // negative control: the mutation runs as JSON
    },
  );

  it.each(['gzip', 'br', 'deflate, gzip'])(
    '61: refuses a body that is compressed by %s',
    async (encoding) => {
      await using tiny = await openTinyGateway();
      const answer = await post(tiny.url, body, { 'content-encoding': encoding });
      expect(answer.status).toBe(415);
      expect(codesOf(answer)).toEqual(['UNSUPPORTED_MEDIA_TYPE']);
      expect((await post(tiny.url, body, { 'content-encoding': 'identity' })).status).toBe(200);
    },
  );

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'QUERY'])(
    '51: refuses %s with 405 and what is allowed',
    async (method) => {
      await using tiny = await openTinyGateway();
      const answer = await send(tiny.url, { method, headers: { accept } });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('GET, POST');
      expect(codesOf(answer)).toEqual(['METHOD_NOT_ALLOWED']);
    },
  );

  it('51: refuses HEAD with 405 and no body', async () => {
    await using tiny = await openTinyGateway();
    expect(await send(tiny.url, { method: 'HEAD' })).toMatchObject({ status: 405, text: '' });
  });

  it.each([
    'image/png',
    'multipart/mixed',
    'text/event-stream;q=0',
    'text/html',
    'application/json; charset=latin1',
  ])('refuses with 406 to answer as %s before the operation runs', async (wanted) => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, body, { accept: wanted });
    expect(answer.status).toBe(406);
    expect(codesOf(answer)).toEqual(['NOT_ACCEPTABLE']);
    expect(tiny.probe.touches).toBe(0);
  });

  it.each([
    ['*/*', 'application/json; charset=utf-8'],
    ['application/*', 'application/json; charset=utf-8'],
    ['text/html, */*;q=0.1', 'application/json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['image/png, application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
  ])('answers who accepts %s as %s', async (wanted, contentType) => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, body, { accept: wanted });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(contentType);
  });

  it('answers a request that says nothing of what it accepts', async () => {
    await using tiny = await openTinyGateway();
    await using wire = await openWire(tiny.url);
    wire.send(
      'GET /graphql?query={fast} HTTP/1.1',
      'Host: a',
      'GraphQL-Require-Preflight: 1',
      'Accept:',
      'Connection: close',
      '',
      '',
    );
    expect(await wire.closed).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*{"data":{"fast":"fast"}}$/);
  });

  it.each(['[::bad', 'a b', 'a/b', 'user@host', '<script>', 'a:123456'])(
    'refuses the host "%s" and tells nothing of itself',
    async (host) => {
      await using tiny = await openTinyGateway();
      await using wire = await openWire(tiny.url);
      wire.send(
        'GET /graphql?query={fast} HTTP/1.1',
        `Host: ${host}`,
        'GraphQL-Require-Preflight: 1',
        '',
        '',
      );
      const answer = await wire.closed;
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).not.toMatch(/node_modules|at .*\.[jt]s|<script>/);
    },
  );

  it.each(['localhost', 'graph.example.com:443', '127.0.0.1:4000', '[::1]:4000'])(
    'takes the host %s',
    async (host) => {
      await using tiny = await openTinyGateway();
      await using wire = await openWire(tiny.url);
      wire.send(
        'GET /graphql?query={fast} HTTP/1.1',
        `Host: ${host}`,
        'GraphQL-Require-Preflight: 1',
        'Connection: close',
        '',
        '',
      );
      expect(await wire.closed).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    },
  );
});
