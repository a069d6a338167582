import { getEventListeners } from 'node:events';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { busyMs } from '../kit/busy.ts';
import { callFor, cancelled, failureOf, openUpstream, probe, serveProbe } from './probe.ts';

describe('callUnary()', () => {
  it('gives the answer and records the call once when all is well', async () => {
    await using service = await serveProbe({ unary: (call, reply) => reply(null, `${call.request}!`) });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const answer: string = await upstream.unary(probe.unary, 'hello', call);
    expect(answer).toBe('hello!');
    expect(call.records).toEqual([
      {
        upstream: 'probe',
        method: '/test.v1.Probe/Unary',
        kind: 'unary',
        durationMs: expect.any(Number),
        code: 'OK',
      },
    ]);
  });

  it("tells the service a deadline below the operation's by the margin when it sends", async () => {
    const seen = Promise.withResolvers<number>();
    await using service = await serveProbe({
      unary: (call, reply) => {
        seen.resolve(Number(call.getDeadline()) - Date.now());
        reply(null, 'x');
      },
    });
    await using upstream = openUpstream(service.target, { deadlineMarginMs: 500 });
    await upstream.unary(probe.unary, 'x', callFor(2_000));
    const leftMs = await seen.promise;
    expect(leftMs).toBeLessThanOrEqual(1_501);
    expect(leftMs).toBeGreaterThan(1_000);
  });

  it('fails as UPSTREAM_TIMEOUT at the deadline when the service hangs', async () => {
    await using service = await serveProbe({ unary: () => {} });
    await using upstream = openUpstream(service.target);
    const startedMs = systemClock.nowMs();
    const call = callFor(200);
    const error = await failureOf(upstream.unary(probe.unary, 'x', call));
    expect(error).toMatchObject({ name: 'WeirError', code: 'UPSTREAM_TIMEOUT' });
    expect(systemClock.nowMs() - startedMs).toBeLessThan(200 + busyMs);
    expect(call.records.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED']);
  });

  it('is not sent when the deadline has passed', async () => {
    let calls = 0;
    await using service = await serveProbe({
      unary: (_call, reply) => {
        calls += 1;
        reply(null, 'x');
      },
    });
    await using upstream = openUpstream(service.target);
    const late = callFor(0);
    expect(await failureOf(upstream.unary(probe.unary, 'x', late))).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    });
    expect(late.records.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED']);
    await upstream.unary(probe.unary, 'x', callFor());
    expect(calls).toBe(1);
  });

  it('refuses a call without a finite deadline', async () => {
    await using upstream = openUpstream('127.0.0.1:1');
    for (const deadlineMs of [Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(await failureOf(upstream.unary(probe.unary, 'x', callFor(1, { deadlineMs })))).toBeInstanceOf(
        TypeError,
      );
    }
  });

  it('refuses a method of another kind', async () => {
    await using upstream = openUpstream('127.0.0.1:1');
    const error = await failureOf(upstream.unary(probe.duplex, 'x', callFor()));
    expect(error).toMatchObject({ message: '/test.v1.Probe/Duplex is not a unary method.' });
  });

  it('cancels at the service at once when the signal aborts', async () => {
    const arrived = Promise.withResolvers<ServerUnaryCall<string, string>>();
    await using service = await serveProbe({ unary: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const failure = failureOf(upstream.unary(probe.unary, 'x', call));
    const seen = cancelled(await arrived.promise);
    const abortedMs = systemClock.nowMs();
    call.abort();
    await seen;
    expect(systemClock.nowMs() - abortedMs).toBeLessThan(busyMs);
    expect(await failure).toMatchObject({ name: 'WeirError', code: 'CANCELLED' });
    expect(call.records.map(({ code }) => code)).toEqual(['CANCELLED']);
  });

  it('fails as UPSTREAM_TIMEOUT when the signal aborts with a TimeoutError', async () => {
    const arrived = Promise.withResolvers<void>();
    await using service = await serveProbe({ unary: () => arrived.resolve() });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const failure = failureOf(upstream.unary(probe.unary, 'x', call));
    await arrived.promise;
    call.abort(new DOMException('late', 'TimeoutError'));
    expect(await failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });

  it('is not sent when the signal has aborted', async () => {
    let calls = 0;
    await using service = await serveProbe({
      unary: (_call, reply) => {
        calls += 1;
        reply(null, 'x');
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    call.abort();
    expect(await failureOf(upstream.unary(probe.unary, 'x', call))).toMatchObject({ code: 'CANCELLED' });
    expect(call.records.map(({ code }) => code)).toEqual(['CANCELLED']);
    await upstream.unary(probe.unary, 'x', callFor());
    expect(calls).toBe(1);
  });

  it('leaves no listener on the signal after 2,000 calls, in whatever way they end', async () => {
    await using service = await serveProbe({
      unary: (call, reply) => (call.request === 'ok' ? reply(null, 'x') : reply({ code: 5, details: 'no' })),
    });
    await using upstream = openUpstream(service.target);
    const call = callFor(30_000);
    let most = 0;
    for (let round = 0; round < 20; round += 1) {
      const answers = Array.from({ length: 100 }, (_, index) =>
        upstream.unary(probe.unary, index % 2 === 0 ? 'ok' : 'fail', call),
      );
      most = Math.max(most, getEventListeners(call.signal, 'abort').length);
      await Promise.allSettled(answers);
    }
    expect(most).toBe(100); // negative control: the listeners were there
    expect(getEventListeners(call.signal, 'abort')).toHaveLength(0);
    expect(call.records).toHaveLength(2_000);
    expect(upstream.state().inFlight).toBe(0);
  });

  it('fails as INTERNAL_SERVER_ERROR when the request cannot be serialised', async () => {
    await using service = await serveProbe({ unary: (_call, reply) => reply(null, 'x') });
    await using upstream = openUpstream(service.target);
    const broken = {
      ...probe.unary,
      requestSerialize: (): Buffer => {
        throw new Error('secret');
      },
    };
    const error = await failureOf(upstream.unary(broken, 'x', callFor()));
    expect(error).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('sends request id, trace and allowed metadata', async () => {
    const seen = Promise.withResolvers<Record<string, unknown>>();
    await using service = await serveProbe({
      unary: (call, reply) => {
        seen.resolve(call.metadata.getMap());
        reply(null, 'x');
      },
    });
    await using upstream = openUpstream(service.target);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await upstream.unary(
      probe.unary,
      'x',
      callFor(5_000, { traceparent, metadata: { 'x-tenant': 't1', 'x-title-bin': 'Grüße\r\nx: y' } }),
    );
    expect(await seen.promise).toMatchObject({
      'x-request-id': 'request-1',
      traceparent,
      'x-tenant': 't1',
      'x-title-bin': Buffer.from('Grüße\r\nx: y'),
    });
  });

  it('refuses metadata with a line break without sending or quoting it', async () => {
    await using upstream = openUpstream('127.0.0.1:1');
    const call = callFor(5_000, { metadata: { 'x-tenant': 'a\r\nx-admin: 1' } });
    const error = await failureOf(upstream.unary(probe.unary, 'x', call));
    expect(error).toMatchObject({
      code: 'BAD_REQUEST',
      message: 'The metadata value of "x-tenant" is not printable ASCII.',
    });
    expect(call.records.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT']);
  });
});
