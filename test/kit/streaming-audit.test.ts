import { describe, expect, it } from 'vitest';
import type { AuditTarget } from './streaming-audit/audit.ts';
import { readCommandLine } from './streaming-audit/command-line.ts';
import { controlDocuments, controlInitMs } from './streaming-audit/control.ts';
import { startControlServer } from './streaming-audit/control-server.ts';
import { createEmitter } from './streaming-audit/emitter.ts';
import { type AuditId, audits, isCompliant, runAudits } from './streaming-audit/run-audits.ts';

const ids = Object.values(audits).flatMap((group) => group.map(({ id }): AuditId => id));
const isLarge = (id: AuditId) => id.endsWith('-stalled');

/** How long a fault that says nothing is waited for: those that do something wrong do it at once. */
const silentMs = 400;
/** More than a server without faults needs. */
const patientMs = 10_000;

function targetOf(url: URL, timeoutMs: number, publish: string): AuditTarget {
  return {
    url,
    singleUrl: new URL(`${url.href}/stream`),
    subscription: controlDocuments.subscription,
    headers: {},
    init: undefined,
    emitter: createEmitter({ url, mutation: publish, headers: {}, timeoutMs }),
    timeoutMs,
    patienceMs: controlInitMs + silentMs,
  };
}

const { publish, publishLarge } = controlDocuments;

describe('runAudits()', () => {
  it('passes a server without faults in everything', async () => {
    await using server = await startControlServer();
    const patient = { ...targetOf(server.url, patientMs, publish), patienceMs: patientMs };
    const small = await runAudits(patient, { ids: ids.filter((id) => !isLarge(id)) });
    const large = await runAudits(targetOf(server.url, patientMs, publishLarge), {
      ids: ids.filter(isLarge),
    });
    const results = [...small, ...large];
    expect(results).toHaveLength(ids.length);
    expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(isCompliant(results)).toBe(true);
  });

  it.concurrent.each(ids)('convicts a server whose only fault is %s', async (id) => {
    await using server = await startControlServer(id);
    const target = targetOf(server.url, silentMs, isLarge(id) ? publishLarge : publish);
    const [result] = await runAudits(target, { ids: [id] });
    expect(result).toMatchObject({ id, status: 'failed' });
    expect([result?.expected, result?.came]).toEqual([expect.any(String), expect.any(String)]);
  });

  it('passes over a transport that the server does not have, and fails it where it is required', async () => {
    await using server = await startControlServer();
    const target = {
      ...targetOf(server.url, patientMs, publish),
      singleUrl: new URL('/graphql', server.url),
    };
    const wanted = ['single-reserve', 'ws-ack'] as const;
    const found = await runAudits(target, { ids: wanted });
    expect(found.map(({ status }) => status)).toEqual(['absent', 'ok']);
    expect(isCompliant(found)).toBe(true);
    const required = await runAudits(target, { ids: wanted, required: ['single', 'ws'] });
    expect(required.map(({ status }) => status)).toEqual(['failed', 'ok']);
    expect(isCompliant(required)).toBe(false);
  });

  it('says of a server that is not there that it breaks a rule, and looks no further', async () => {
    const server = await startControlServer();
    await server[Symbol.asyncDispose]();
    const results = await runAudits(targetOf(server.url, patientMs, publish), {
      ids: ids.filter((id) => id.startsWith('multipart')),
    });
    const statuses = new Set(results.map(({ status }) => status));
    expect(results[0]?.status).toBe('failed');
    expect(statuses).toEqual(new Set(['failed', 'skipped']));
  });

  it('leaves out what it cannot see when events come by themselves', async () => {
    await using server = await startControlServer();
    const target = targetOf(server.url, silentMs, publish);
    const emitter = createEmitter({ ...target, mutation: undefined });
    const results = await runAudits({ ...target, emitter }, { ids: ['ws-stalled', 'sse-resume'] });
    expect(results.map(({ status }) => status)).toEqual(['skipped', 'skipped']);
  });

  it('leaves out what it may not publish for, rather than fail it', async () => {
    await using server = await startControlServer();
    const target = targetOf(server.url, silentMs, publish);
    const emitter = createEmitter({ ...target, mutation: 'mutation { unknown }' });
    const results = await runAudits(
      { ...target, emitter },
      { ids: ['ws-gone', 'sse-next-result', 'ws-ack'] },
    );
    expect(results.map(({ id, status }) => [id, status])).toEqual([
      ['sse-next-result', 'skipped'],
      ['ws-ack', 'ok'],
      ['ws-gone', 'skipped'],
    ]);
    expect(results[0]?.reason).toContain('the mutation that publishes was refused: 400');
  });

  it('leaves out what needs larger events, rather than pass it', async () => {
    await using server = await startControlServer();
    const [result] = await runAudits(targetOf(server.url, patientMs, publish), { ids: ['sse-stalled'] });
    expect(result).toMatchObject({
      status: 'skipped',
      reason: expect.stringContaining('needs events of 16778 bytes'),
    });
  });
});

describe('isCompliant()', () => {
  const head = { transport: 'ws', id: 'a', name: '', source: '' } as const;
  const passed = { ...head, level: 'MUST', status: 'ok' } as const;

  it.each([
    ['MUST', false],
    ['SHOULD', true],
    ['MAY', true],
  ] as const)('says of one broken %s: %s', (level, expected) => {
    expect(isCompliant([passed, { ...head, level, status: 'failed' }])).toBe(expected);
  });

  it('is false where nothing was audited', () => {
    expect(isCompliant([])).toBe(false);
    expect(isCompliant([{ ...passed, status: 'absent' }])).toBe(false);
  });
});

describe('readCommandLine()', () => {
  const subscription = ['--subscription', 'subscription { log }'];

  it('takes what there is', () => {
    const words = [
      'http://a/graphql',
      ...subscription,
      '--header',
      'Authorization: Bearer x',
      '--patience',
      '40',
    ];
    expect(readCommandLine([...words, '--transports', 'ws,sse'])).toMatchObject({
      target: {
        url: new URL('http://a/graphql'),
        singleUrl: new URL('http://a/graphql/stream'),
        headers: { authorization: 'Bearer x' },
        patienceMs: 40_000,
        emitter: { isCaused: false },
      },
      required: ['sse', 'ws'],
    });
  });

  it.each([
    ['no address', subscription, 'Expected the address of one server, got 0.'],
    ['two addresses', ['http://a', 'http://b', ...subscription], 'got 2'],
    [
      'an address of another kind',
      ['ws://a', ...subscription],
      'expected an address of http or https, got ws://a',
    ],
    ['no subscription', ['http://a'], '--subscription: expected a document, got none'],
    ['a query in its place', ['http://a', '--subscription', '{ a }'], 'expected one subscription, got query'],
    ['a document that is none', ['http://a', '--subscription', 'subscription {'], 'Syntax Error'],
    ['no mutation', ['http://a', ...subscription, '--publish', '{ a }'], '--publish: expected one mutation'],
    [
      'half a header',
      ['http://a', ...subscription, '--header', 'a'],
      "--header: expected 'NAME: VALUE', got a",
    ],
    [
      'a payload that is no object',
      ['http://a', ...subscription, '--init', '[1]'],
      '--init: expected an object',
    ],
    ['a payload that is no JSON', ['http://a', ...subscription, '--init', '{'], '--init: expected an object'],
    ['a transport of another name', ['http://a', ...subscription, '--transports', 'ws,tcp'], 'got ws,tcp'],
    [
      'too much patience',
      ['http://a', ...subscription, '--patience', '601'],
      'expected 0 to 600 seconds, got 601',
    ],
    ['no time', ['http://a', ...subscription, '--timeout', '0'], 'expected 0.1 to 600 seconds, got 0'],
    ['an unknown option', ['http://a', ...subscription, '--fast'], "'--fast'"],
  ])('refuses %s', (_what, words, fault) => {
    expect(readCommandLine(words)).toEqual({ fault: expect.stringContaining(fault) });
  });
});
