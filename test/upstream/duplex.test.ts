import { getEventListeners } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { callFor, cancelled, failureOf, openUpstream, probe, serveProbe } from './probe.ts';

const echo = (call: ServerDuplexStream<string, string>) => {
  call.on('data', (message: string) => call.write(`ack ${message}`));
  call.on('end', () => call.end());
};

/** A source that never gives anything. */
const silentSource: AsyncIterable<string> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
};

describe('callDuplex()', () => {
  it('gives an answer to each request in order, while requests still come', async () => {
    await using service = await serveProbe({ duplex: echo });
    await using upstream = openUpstream(service.target);
    const acks: string[] = [];
    const wakes = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function* source() {
      yield '1';
      await wakes[0]?.promise;
      yield '2';
      await wakes[1]?.promise;
      yield '3';
    }
    const call = callFor();
    for await (const ack of upstream.duplex(probe.duplex, source(), call)) {
      acks.push(ack);
      wakes[acks.length - 1]?.resolve();
    }
    expect(acks).toEqual(['ack 1', 'ack 2', 'ack 3']);
    expect(call.records).toMatchObject([{ kind: 'duplex', code: 'OK' }]);
    expect(getEventListeners(call.signal, 'abort')).toHaveLength(0);
  });

  it('closes the source and cancels the RPC when the reader leaves', async () => {
    const arrived = Promise.withResolvers<ServerDuplexStream<string, string>>();
    await using service = await serveProbe({
      duplex: (call) => {
        arrived.resolve(call);
        echo(call);
      },
    });
    await using upstream = openUpstream(service.target);
    let closed = false;
    function* source() {
      try {
        for (;;) yield 'again';
      } finally {
        closed = true;
      }
    }
    const seen = arrived.promise.then(cancelled);
    for await (const _ of upstream.duplex(probe.duplex, source(), callFor())) break;
    await seen;
    expect(closed).toBe(true);
    expect(upstream.state().inFlight).toBe(0);
  });

  it('fails with what the source threw, and the service sees the cancel', async () => {
    const arrived = Promise.withResolvers<ServerDuplexStream<string, string>>();
    await using service = await serveProbe({ duplex: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    async function* source() {
      yield 'a';
      await arrived.promise;
      throw new RangeError('broken source');
    }
    const reading = failureOf(upstream.duplex(probe.duplex, source(), callFor()).next());
    await cancelled(await arrived.promise);
    expect(await reading).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      cause: expect.objectContaining({ message: 'broken source' }),
    });
  });

  it('stops pulling requests when the service ends the call', async () => {
    await using service = await serveProbe({
      duplex: (call) => {
        call.write('bye');
        call.end();
      },
    });
    await using upstream = openUpstream(service.target);
    const closed = Promise.withResolvers<void>();
    async function* source() {
      try {
        for (;;) {
          yield 'a';
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed.resolve();
      }
    }
    const answers: string[] = [];
    for await (const answer of upstream.duplex(probe.duplex, source(), callFor())) answers.push(answer);
    expect(answers).toEqual(['bye']);
    await closed.promise;
  });

  it('cancels at the service when the signal aborts', async () => {
    const arrived = Promise.withResolvers<ServerDuplexStream<string, string>>();
    await using service = await serveProbe({ duplex: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    const call = callFor(1, { deadlineMs: Number.POSITIVE_INFINITY });
    const reading = failureOf(upstream.duplex(probe.duplex, silentSource, call).next());
    const seen = cancelled(await arrived.promise);
    call.abort();
    await seen;
    expect(await reading).toMatchObject({ code: 'CANCELLED' });
    expect(upstream.state().liveStreams).toBe(0);
  });
});
