import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { EndReason, Sink } from '../../src/realtime/sink.ts';
import { deliverableFrom } from '../../src/transport/stream-iterable.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A sink that takes what comes until it is told to be full. */
function createSink() {
  const seen: unknown[] = [];
  const ends: [EndReason, unknown][] = [];
  const state = { bufferedBytes: 0, drain: () => {} };
  const sink: Sink = {
    live: (live) => seen.push(live),
    next: ({ json }) => seen.push(JSON.parse(json)),
    gap: () => {},
    end: (reason, error) => ends.push([reason, error]),
    bufferedBytes: () => state.bufferedBytes,
    onDrain: (listener) => {
      state.drain = listener;
    },
  };
  return { sink, seen, ends, state };
}

const live = { cursor: undefined, recovered: undefined, reason: undefined };

describe('deliverableFrom()', () => {
  it('tells live, then each event, then the end', async () => {
    const { sink, seen, ends } = createSink();
    const events = async function* () {
      yield* [{ data: 1 }, { data: 2 }];
    };
    deliverableFrom(events(), () => {}).attach(sink);
    await turn();
    expect(seen).toEqual([live, { data: 1 }, { data: 2 }]);
    expect(ends).toEqual([['completed', undefined]]);
  });

  it('asks for nothing while its client has not taken what was sent', async () => {
    const { sink, seen, state } = createSink();
    let asked = 0;
    const events = async function* () {
      for (;;) {
        asked += 1;
        yield { data: asked };
        if (asked % 3 === 0) state.bufferedBytes = 65_537;
      }
    };
    const attached = deliverableFrom(events(), () => {}).attach(sink);
    for (let round = 0; round < 5; round += 1) await turn();
    expect(asked).toBe(4);
    state.bufferedBytes = 0;
    state.drain();
    for (let round = 0; round < 5; round += 1) await turn();
    expect(asked).toBe(7);
    expect(seen).toHaveLength(8);
    attached.stop('client');
  });

  it('does not wait for a generator that is parked, and has it ended by its signal', async () => {
    const { sink, ends } = createSink();
    let cleanups = 0;
    const events = async function* ({ signal }: AbortController) {
      try {
        yield { data: 1 };
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      } finally {
        cleanups += 1;
      }
    };
    for (let round = 1; round <= 20; round += 1) {
      const gone = new AbortController();
      const attached = deliverableFrom(events(gone), () => gone.abort()).attach(sink);
      await turn();
      attached.stop('client');
      attached.stop('client');
      await turn();
      expect(cleanups).toBe(round);
    }
    expect(ends).toEqual([]);
  });

  it('passes nothing on of an event that comes after its end', async () => {
    const { sink, seen } = createSink();
    const { promise, resolve } = Promise.withResolvers<void>();
    const events = async function* () {
      await promise;
      yield { data: 1 };
    };
    const attached = deliverableFrom(events(), () => {}).attach(sink);
    attached.stop('client');
    resolve();
    await turn();
    expect(seen).toEqual([live]);
  });

  it.each([
    [new GraphQLError('Gone.', { extensions: { code: 'NOT_FOUND' } }), 'Gone.'],
    [new Error('CANARY'), undefined],
  ])('ends as failed when its source does, telling only what is public', async (thrown, message) => {
    const { sink, ends } = createSink();
    let aborted = 0;
    const events = async function* () {
      yield { data: 1 };
      throw thrown;
    };
    deliverableFrom(events(), () => {
      aborted += 1;
    }).attach(sink);
    await turn();
    expect(ends).toEqual([
      ['failed', message === undefined ? undefined : expect.objectContaining({ message })],
    ]);
    expect(aborted).toBe(1);
  });

  it('ends for its budget when what is thrown says so', async () => {
    const { sink, ends } = createSink();
    const events = async function* () {
      yield { data: 1 };
      throw new GraphQLError('Nothing is left.', { extensions: { code: 'RATE_LIMITED', reason: 'budget' } });
    };
    deliverableFrom(events(), () => {}).attach(sink);
    await turn();
    expect(ends).toEqual([['budget', expect.objectContaining({ message: 'Nothing is left.' })]]);
  });

  it('ends as failed for an event that cannot be JSON, and lets go of its source', async () => {
    const { sink, ends } = createSink();
    let cleanups = 0;
    const events = async function* () {
      try {
        yield { data: 1n };
      } finally {
        cleanups += 1;
      }
    };
    deliverableFrom(events(), () => {}).attach(sink);
    await turn();
    expect(ends).toEqual([['failed', undefined]]);
    expect(cleanups).toBe(1);
  });
});
