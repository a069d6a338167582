import { getEventListeners, once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { busyMs } from '../kit/busy.ts';
import { callFor, cancelled, failureOf, openUpstream, probe, serveProbe } from './probe.ts';

type Call = ServerWritableStream<string, string>;

async function collect(messages: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

describe('callServerStream()', () => {
  it('gives every message in order and records the call once when the service ends', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        for (let index = 0; index < 100; index += 1) call.write(`${call.request}${index}`);
        call.end();
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const all = await collect(upstream.serverStream(probe.serverStream, 'm', call));
    expect(all).toEqual(Array.from({ length: 100 }, (_, index) => `m${index}`));
    expect(call.records).toMatchObject([{ kind: 'serverStream', code: 'OK' }]);
    expect(getEventListeners(call.signal, 'abort')).toHaveLength(0);
    expect(upstream.state().inFlight).toBe(0);
  });

  it('gives the messages that came before a failure, then the failure once, then the end', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        call.write('a');
        call.write('b', () => call.emit('error', { code: 5, details: 'secret' }));
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const messages = upstream.serverStream(probe.serverStream, 'm', call);
    expect(await messages.next()).toEqual({ value: 'a', done: false });
    expect(await messages.next()).toEqual({ value: 'b', done: false });
    expect(await failureOf(messages.next())).toMatchObject({ name: 'WeirError', code: 'NOT_FOUND' });
    expect(await messages.next()).toEqual({ value: undefined, done: true });
    expect(call.records).toMatchObject([{ code: 'NOT_FOUND' }]);
  });

  it('stops reading when nobody pulls, so that the service is held back, and goes on afterwards', async () => {
    const total = 2_000;
    const message = 'x'.repeat(10_000);
    let written = 0;
    const held = Promise.withResolvers<void>();
    await using service = await serveProbe({
      serverStream: async (call: Call) => {
        for (; written < total; written += 1) {
          if (call.write(message)) continue;
          // Held back for 300 ms on end means: nobody reads. Drains come at once while somebody does.
          const timer = setTimeout(held.resolve, 300);
          await once(call, 'drain');
          clearTimeout(timer);
        }
        call.end();
      },
    });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(probe.serverStream, 'm', callFor(30_000));
    await messages.next();
    await held.promise;
    expect(written).toBeLessThan(200); // of 2,000: windows and buffers, not the whole
    let count = 1;
    for await (const _ of messages) count += 1;
    expect(count).toBe(total);
  });

  it('cancels the RPC when the loop breaks', async () => {
    const arrived = Promise.withResolvers<Call>();
    await using service = await serveProbe({
      serverStream: (call) => {
        arrived.resolve(call);
        call.write('a');
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const seen = arrived.promise.then(cancelled);
    for await (const _ of upstream.serverStream(probe.serverStream, 'm', call)) break;
    await seen;
    expect(call.records).toMatchObject([{ code: 'CANCELLED' }]);
    expect(getEventListeners(call.signal, 'abort')).toHaveLength(0);
  });

  it('cancels the RPC and ends the pending pull when return() comes during it', async () => {
    const arrived = Promise.withResolvers<Call>();
    await using service = await serveProbe({ serverStream: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(probe.serverStream, 'm', callFor());
    const pending = messages.next();
    const seen = cancelled(await arrived.promise);
    expect(await messages.return?.()).toEqual({ value: undefined, done: true });
    expect(await pending).toEqual({ value: undefined, done: true });
    await seen;
    expect(await messages.next()).toEqual({ value: undefined, done: true });
  });

  it('never starts the RPC when return() comes before next()', async () => {
    await using upstream = openUpstream('127.0.0.1:1');
    const call = callFor();
    const messages = upstream.serverStream(probe.serverStream, 'm', call);
    await messages.return?.();
    expect(await messages.next()).toEqual({ value: undefined, done: true });
    expect(call.records).toEqual([]);
  });

  it('cancels at the service at once and fails the pull when the signal aborts', async () => {
    const arrived = Promise.withResolvers<Call>();
    await using service = await serveProbe({ serverStream: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const pending = failureOf(upstream.serverStream(probe.serverStream, 'm', call).next());
    const seen = cancelled(await arrived.promise);
    const abortedMs = systemClock.nowMs();
    call.abort();
    await seen;
    expect(systemClock.nowMs() - abortedMs).toBeLessThan(busyMs);
    expect(await pending).toMatchObject({ code: 'CANCELLED' });
    expect(call.records).toMatchObject([{ code: 'CANCELLED' }]);
  });

  it('gives nothing of what was read ahead after the signal aborted', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        for (let index = 0; index < 10; index += 1) call.write(`${index}`);
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const messages = upstream.serverStream(probe.serverStream, 'm', call);
    await messages.next();
    call.abort();
    expect(await failureOf(messages.next())).toMatchObject({ code: 'CANCELLED' });
    expect(await messages.next()).toEqual({ value: undefined, done: true });
  });

  it('fails as UPSTREAM_TIMEOUT at the deadline when the stream never ends', async () => {
    await using service = await serveProbe({ serverStream: (call) => void call.write('a') });
    await using upstream = openUpstream(service.target);
    const call = callFor(200);
    const all: string[] = [];
    const reading = (async () => {
      for await (const message of upstream.serverStream(probe.serverStream, 'm', call)) all.push(message);
    })();
    expect(await failureOf(reading)).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(all).toEqual(['a']);
  });

  it('has no deadline at the service, and a place of its own, when deadlineMs is Infinity', async () => {
    const seen = Promise.withResolvers<unknown>();
    await using service = await serveProbe({
      serverStream: (call) => {
        seen.resolve(call.getDeadline());
        call.write('a');
      },
    });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(
      probe.serverStream,
      'm',
      callFor(1, { deadlineMs: Number.POSITIVE_INFINITY }),
    );
    await messages.next();
    expect(await seen.promise).toBe(Number.POSITIVE_INFINITY);
    expect(upstream.state()).toMatchObject({ liveStreams: 1, inFlight: 0 });
    await messages.return?.();
  });

  it('answers overlapping pulls in order', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        for (const message of ['a', 'b']) call.write(message);
        call.end();
      },
    });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(probe.serverStream, 'm', callFor());
    const pulls = await Promise.all([messages.next(), messages.next(), messages.next()]);
    expect(pulls.map(({ value }) => value)).toEqual(['a', 'b', undefined]);
  });

  it('outlives nobody: a stream that fails with no pull pending does not end the process', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        call.write('a', () => call.emit('error', { code: 13, details: 'x' }));
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const recorded = Promise.withResolvers<void>();
    const recorder = { call: () => recorded.resolve() };
    const messages = upstream.serverStream(probe.serverStream, 'm', { ...call, recorder });
    expect(await messages.next()).toEqual({ value: 'a', done: false });
    await recorded.promise;
    expect(await failureOf(messages.next())).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
  });
});

describe('Messages.toArray()', () => {
  it.each([
    [0, 0],
    [0, 1],
    [40, 41],
    [40, 40],
  ])('gives all of %i messages when %i may come, and records the call once', async (count, max) => {
    await using service = await serveProbe({
      serverStream: (call) => {
        for (let index = 0; index < count; index += 1) call.write(`${call.request}${index}`);
        call.end();
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const messages = upstream.serverStream(probe.serverStream, 'm', call);
    expect(await messages.toArray(max)).toEqual(Array.from({ length: count }, (_, index) => `m${index}`));
    expect(await messages.toArray(max)).toEqual([]);
    expect(call.records).toMatchObject([{ kind: 'serverStream', code: 'OK' }]);
    expect(getEventListeners(call.signal, 'abort')).toHaveLength(0);
    expect(upstream.state().inFlight).toBe(0);
  });

  it('rejects and cancels the call when more come than may', async () => {
    const ended = Promise.withResolvers<void>();
    await using service = await serveProbe({
      serverStream: (call: Call) => {
        call.once('cancelled', ended.resolve);
        for (let index = 0; index < 41; index += 1) call.write('m');
      },
    });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(probe.serverStream, 'm', callFor());
    expect(await failureOf(messages.toArray(40))).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    await ended.promise;
    expect(upstream.state().inFlight).toBe(0);
  });

  it('gives what is left when some were read before', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        for (const message of ['a', 'b', 'c']) call.write(message);
        call.end();
      },
    });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(probe.serverStream, 'm', callFor());
    expect((await messages.next()).value).toBe('a');
    expect(await messages.toArray(2)).toEqual(['b', 'c']);
  });

  it('rejects with the failure when one comes after messages', async () => {
    await using service = await serveProbe({
      serverStream: (call) => {
        call.write('a', () => call.emit('error', { code: 5, details: 'secret' }));
      },
    });
    await using upstream = openUpstream(service.target);
    const messages = upstream.serverStream(probe.serverStream, 'm', callFor());
    expect(await failureOf(messages.toArray(9))).toMatchObject({ name: 'WeirError', code: 'NOT_FOUND' });
  });

  it('rejects when the operation is aborted meanwhile', async () => {
    const arrived = Promise.withResolvers<Call>();
    await using service = await serveProbe({ serverStream: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    const failure = failureOf(upstream.serverStream(probe.serverStream, 'm', call).toArray(9));
    (await arrived.promise).write('a');
    call.abort();
    expect(await failure).toMatchObject({ code: 'CANCELLED' });
  });
});
