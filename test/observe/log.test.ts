import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { createLog, type Log } from '../../src/observe/log.ts';

const canary = 'CANARY-5f2c9a';
const jwt = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ${canary}.${canary}`;

function collect(write: (log: Log) => void): string {
  const lines: string[] = [];
  write(createLog('info', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

describe('createLog()', () => {
  it('writes one JSON object a line, with the time and without what nobody asked for', () => {
    const text = collect((log) => {
      log.info({ requestId: 'r-1', count: 3 }, 'it went well');
      log.warn('no more than words');
    });
    const [first, second] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      requestId: 'r-1',
      count: 3,
      msg: 'it went well',
    });
    expect(second).toMatchObject({ level: 40, msg: 'no more than words' });
  });

  it('writes nothing below its level', () => {
    const lines: string[] = [];
    const log = createLog('error', { write: (line) => void lines.push(line) });
    log.warn('no');
    log.error('yes');
    expect(lines).toHaveLength(1);
  });

  it('shows of an error its type, message, code, stack and causes', () => {
    const cause = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' });
    const text = collect((log) =>
      log.error({ err: new WeirError('UPSTREAM_UNAVAILABLE', { cause }) }, 'failed'),
    );
    expect(JSON.parse(text).err).toMatchObject({
      type: 'WeirError',
      code: 'UPSTREAM_UNAVAILABLE',
      stack: expect.stringContaining('log.test.ts'),
      cause: { type: 'Error', message: 'connect failed', code: 'ECONNREFUSED' },
    });
  });

  const metadata = new Metadata();
  metadata.set('authorization', canary);
  metadata.set('token', canary);
  const hung = Object.assign(new Error('failed'), {
    metadata,
    request: { headers: { cookie: canary } },
    config: { token: canary },
  });
  const circle: Record<string, unknown> = { token: canary };
  circle['self'] = circle;

  it.each<[string, object]>([
    ['a header', { authorization: `Bearer ${canary}` }],
    ['a header in another case', { Authorization: canary, COOKIE: canary, 'Set-Cookie': [canary] }],
    ['headers of a request', { request: { headers: { cookie: canary, 'idempotency-key': canary } } }],
    ['deep members', { a: { b: { c: { d: { e: { token: canary } } } } } }],
    ['members of a list', { list: [{ list: [{ access_token: canary }] }] }],
    ['objects under the name of a secret', { token: { value: canary }, secrets: [canary] }],
    [
      'names that end like one',
      { refreshToken: canary, clientSecret: canary, 'x-api-key': canary, password: canary },
    ],
    ['what toJSON shows', { metadata }],
    ['what hangs onto an error', { err: hung }],
    ['what hangs onto a cause', { err: new WeirError('INTERNAL_SERVER_ERROR', { cause: hung }) }],
    ['what hangs onto an error of several', { err: new AggregateError([hung], 'all failed') }],
    ['an error under another name', { reason: hung }],
    ['a circle', circle],
    ['the message of an error', { err: new Error(`Bearer ${canary}${canary} is not good`) }],
    ['a JWT in a text', { text: `got ${jwt}, expected none` }],
    ['the password of an address', { text: `postgres://weir:${canary}@db.example:5432/weir` }],
  ])('118: never shows a secret in %s', (_, line) => {
    const text = collect((log) => log.error(line, `failed with ${jwt}`));
    expect(text).not.toContain(canary);
    expect(text).toContain('[redacted]');
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it('118: shows the same canary where no secret is expected', () => {
    expect(collect((log) => log.error({ name: canary }, 'failed'))).toContain(canary);
  });

  it('118: shows no secret of an error that is the line itself', () => {
    const text = collect((log) => log.error(hung));
    expect(text).not.toContain(canary);
    expect(JSON.parse(text)).toMatchObject({ err: { type: 'Error', message: 'failed' }, msg: 'failed' });
  });

  it.each([
    [7, true],
    [8, true],
    [9, false],
  ])('shows what is %d levels deep: %s', (levels, isShown) => {
    let value: unknown = 'deepest';
    for (let level = 0; level < levels; level += 1) value = { value };
    expect(collect((log) => log.info({ value: value }.value as object)).includes('deepest')).toBe(isShown);
  });

  it.each([
    [199, 199],
    [200, 200],
    [201, 200],
  ])('of %d entries shows %d', (entries, shown) => {
    const list = Array.from({ length: entries }, (_, index) => index);
    const map = Object.fromEntries(list.map((index) => [`name${index}`, index]));
    const line = JSON.parse(collect((log) => log.info({ list, map })));
    expect(line.list).toHaveLength(shown);
    expect(Object.keys(line.map)).toHaveLength(shown);
  });
});
