import { afterEach, describe, expect, it } from 'vitest';
import type { Broker, Position } from '../../src/realtime/broker.ts';
import type { BrokerOptions } from '../../src/realtime/topic-broker.ts';
import { maxPayloadBytes } from '../../src/realtime/topic-broker.ts';
import { collect, numbers, publishNumbers, topicOf } from './collector.ts';

/** Opens a broker on the one store under test; memory answers the same broker for every instance of a test. */
export type OpenBroker = (options?: Partial<BrokerOptions>) => Promise<Broker>;

/** What every broker promises, whatever keeps its topics. */
export function describeBroker(name: string, open: OpenBroker): void {
  describe(`${name}: Broker`, () => {
    const opened = new Set<Broker>();
    const openBroker: OpenBroker = async (options) => {
      const broker = await open(options);
      opened.add(broker);
      return broker;
    };
    afterEach(async () => {
      for (const broker of opened) await broker.close();
      opened.clear();
    });

    it('publish() numbers the events of a topic from 1 without holes, each topic for itself', async () => {
      const broker = await openBroker();
      const [one, other] = [topicOf(), topicOf()];
      const positions = [];
      for (const topic of [one, one, other, one]) positions.push(await broker.publish(topic, 'x'));
      expect(positions.map(({ position }) => position?.offset)).toEqual([1, 2, 1, 3]);
      expect(positions.map(({ isDuplicate }) => isDuplicate)).toEqual([false, false, false, false]);
      const epoch = positions[0]?.position?.epoch;
      expect(await broker.head(one)).toEqual({ epoch, offset: 3, sequence: null });
    });

    it('subscribe() delivers what is published after it, with positions, on every instance', async () => {
      const [here, there] = [await openBroker(), await openBroker()];
      const topic = topicOf();
      await here.publish(topic, 'before');
      const listeners = [await collect(here, topic), await collect(there, topic)];
      await publishNumbers(here, topic, 1, 50);
      await publishNumbers(there, topic, 51, 100);
      const { epoch } = await here.head(topic);
      for (const listener of listeners) {
        await listener.until(({ texts }) => texts.length === 100);
        expect(listener.texts).toEqual(numbers(1, 100));
        expect(listener.positions).toEqual(
          numbers(2, 101).map((offset) => ({ epoch, offset: Number(offset) })),
        );
        expect(listener.subscription).toMatchObject({ recovered: true, position: { epoch, offset: 1 } });
        expect(listener.gaps).toEqual([]);
      }
    });

    it('subscribe() carries bytes as they are', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const seen: Uint8Array[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      await broker.subscribe(topic, {
        signal: new AbortController().signal,
        onEvent: ({ payload }) => {
          seen.push(Uint8Array.from(payload));
          resolve();
        },
        onGap: () => {},
        onEnd: () => {},
      });
      await broker.publish(topic, bytes);
      await promise;
      expect(seen).toEqual([bytes]);
    });

    it('subscribe() with a position replays all after it in order, then goes on, exactly once', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      await publishNumbers(broker, topic, 1, 10);
      const { epoch } = await broker.head(topic);
      await publishNumbers(broker, topic, 11, 350);
      const after = { epoch, offset: 10 };
      // Published while the backlog is read.
      const publishing = publishNumbers(broker, topic, 351, 450);
      const listener = await collect(broker, topic, { after });
      await publishing;
      await publishNumbers(broker, topic, 451, 460);
      await listener.until(({ texts }) => texts.length >= 450);
      expect(listener.calls).toEqual(['live', ...numbers(11, 460)]);
      // All that was there when it asked is of the backlog, and nothing that came after it was read.
      const until = { epoch, offset: expect.toSatisfy((offset) => offset >= 350 && offset <= 450) };
      expect(listener.starts).toEqual([{ recovered: true, position: after, until }]);
    });

    it('subscribe() with the position of the end replays nothing', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      await publishNumbers(broker, topic, 1, 3);
      const listener = await collect(broker, topic, { after: await broker.head(topic) });
      expect(listener.subscription.recovered).toBe(true);
      await broker.publish(topic, '4');
      await listener.until(({ texts }) => texts.length === 1);
      expect(listener.texts).toEqual(['4']);
    });

    it('subscribe() from a head read before anything happened misses nothing', async () => {
      const [here, there] = [await openBroker(), await openBroker()];
      const topic = topicOf();
      const after = await here.head(topic);
      expect(after).toMatchObject({ offset: 0, sequence: null });
      await publishNumbers(there, topic, 1, 5);
      const listener = await collect(here, topic, { after });
      await listener.until(({ texts }) => texts.length === 5);
      expect(listener.calls).toEqual(['live', ...numbers(1, 5)]);
    });

    it('subscribe() joins a feed that is live already, from any position', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const first = await collect(broker, topic);
      await publishNumbers(broker, topic, 1, 40);
      const { epoch } = await broker.head(topic);
      const listeners = await Promise.all(
        [0, 7, 39, 40].map((offset) => collect(broker, topic, { after: { epoch, offset } })),
      );
      await publishNumbers(broker, topic, 41, 45);
      for (const listener of [first, ...listeners])
        await listener.until(({ texts }) => texts.at(-1) === '45');
      expect(listeners.map(({ texts }) => texts)).toEqual([1, 8, 40, 41].map((from) => numbers(from, 45)));
      expect(first.texts).toEqual(numbers(1, 45));
    });

    const unknownPositions: readonly [string, (head: Position) => Position][] = [
      ['of another epoch', ({ offset }) => ({ epoch: 'another', offset })],
      ['beyond the end', ({ epoch, offset }) => ({ epoch, offset: offset + 1 })],
    ];
    it.each(unknownPositions)(
      'subscribe() with a position %s recovers nothing and says so',
      async (_, move) => {
        const broker = await openBroker();
        const topic = topicOf();
        await publishNumbers(broker, topic, 1, 3);
        const head = await broker.head(topic);
        const listener = await collect(broker, topic, { after: move(head) });
        const position = { epoch: head.epoch, offset: 3 };
        expect(listener.subscription).toMatchObject({ recovered: false, reason: 'epoch', position });
        await broker.publish(topic, '4');
        await listener.until(({ texts }) => texts.length === 1);
        expect(listener.calls).toEqual(['live', '4']);
      },
    );

    it.each([
      ['within', 9, true],
      ['at', 10, true],
      ['above', 11, false],
    ])('subscribe() %s the bound of kept events: %i of 10', async (_, missed, recovered) => {
      const broker = await openBroker();
      const topic = topicOf({ history: { maxEvents: 10 } });
      const after = (await broker.publish(topic, '0')).position;
      await publishNumbers(broker, topic, 1, missed);
      const listener = await collect(broker, topic, { ...(after && { after }) });
      expect(listener.subscription.recovered).toBe(recovered);
      if (!listener.subscription.recovered) expect(listener.subscription.reason).toBe('trimmed');
      expect(listener.texts).toEqual(recovered ? numbers(1, missed) : []);
    });

    it.each([
      ['within', 29, true],
      ['at', 30, true],
      ['above', 31, false],
    ])('subscribe() %s the bound of kept bytes: %i of 30', async (_, missedBytes, recovered) => {
      const broker = await openBroker();
      const topic = topicOf({ history: { maxBytes: 30 } });
      const after = (await broker.publish(topic, '0')).position;
      for (const length of [10, 10, missedBytes - 20]) await broker.publish(topic, 'x'.repeat(length));
      const listener = await collect(broker, topic, { ...(after && { after }) });
      expect(listener.subscription).toMatchObject({ recovered, ...(!recovered && { reason: 'trimmed' }) });
      expect(listener.texts).toHaveLength(recovered ? 3 : 0);
    });

    it('publish() keeps the newest event whatever its size', async () => {
      const broker = await openBroker();
      const topic = topicOf({ history: { maxBytes: 5 } });
      await broker.publish(topic, 'old');
      const after = await broker.head(topic);
      await broker.publish(topic, 'larger than five bytes');
      const listener = await collect(broker, topic, { after });
      expect(listener.texts).toEqual(['larger than five bytes']);
    });

    it.each([
      ['within', 4, true],
      ['at', 5, true],
      ['above', 6, false],
    ])('subscribe() %s the events that one replay may hold: %i of 5', async (_, missed, recovered) => {
      const broker = await openBroker({ replayBounds: { maxEvents: 5, maxBytes: 1000 } });
      const topic = topicOf();
      const after = await broker.head(topic);
      await publishNumbers(broker, topic, 1, missed);
      const listener = await collect(broker, topic, { after });
      expect(listener.subscription).toMatchObject({ recovered, ...(!recovered && { reason: 'tooMany' }) });
      expect(listener.texts).toEqual(recovered ? numbers(1, missed) : []);
    });

    it.each([
      ['within', 99, true],
      ['at', 100, true],
      ['above', 101, false],
    ])('subscribe() %s the bytes that one replay may hold: %i of 100', async (_, bytes, recovered) => {
      const broker = await openBroker({ replayBounds: { maxEvents: 5, maxBytes: 100 } });
      const topic = topicOf();
      const after = await broker.head(topic);
      for (const length of [50, bytes - 50]) await broker.publish(topic, 'x'.repeat(length));
      const listener = await collect(broker, topic, { after });
      expect(listener.subscription).toMatchObject({ recovered, ...(!recovered && { reason: 'tooMany' }) });
      expect(listener.texts).toHaveLength(recovered ? 2 : 0);
    });

    it('publish() refuses a sequence that is not above the last, and says where the topic stands', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const listener = await collect(broker, topic);
      const outcomes = [];
      for (const sequence of [5, 5, 4, 9, 8]) {
        outcomes.push(await broker.publish(topic, String(sequence), { sequence }));
      }
      expect(outcomes.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true, true, false, true]);
      expect(outcomes.map(({ position }) => position?.offset)).toEqual([1, 1, 1, 2, 2]);
      await listener.until(({ texts }) => texts.length === 2);
      expect(listener.texts).toEqual(['5', '9']);
      expect(await broker.head(topic)).toMatchObject({ offset: 2, sequence: 9 });
    });

    it('advance() notes a sequence without an event, and never goes back', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const sequences = [];
      for (const sequence of [7, 5, 9]) {
        await broker.advance(topic, sequence);
        sequences.push((await broker.head(topic)).sequence);
      }
      expect(sequences).toEqual([7, 7, 9]);
      expect(await broker.publish(topic, 'x', { sequence: 9 })).toMatchObject({ isDuplicate: true });
      expect(await broker.publish(topic, 'x', { sequence: 10 })).toMatchObject({ isDuplicate: false });
    });

    it('publish() takes a payload of 256 KiB and refuses a larger one', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      await broker.publish(topic, Buffer.alloc(maxPayloadBytes));
      await expect(broker.publish(topic, Buffer.alloc(maxPayloadBytes + 1))).rejects.toThrow(RangeError);
      expect(await broker.head(topic)).toMatchObject({ offset: 1 });
    });

    it('publish() begins a new epoch when the topic has not come as far as the event that this one follows', async () => {
      const [here, there] = [await openBroker(), await openBroker()];
      const topic = topicOf();
      const listener = await collect(here, topic);
      const first = await here.publish(topic, '5', { sequence: 5 });
      // As far, and further than what it follows: nothing is missing.
      await there.publish(topic, '8', { sequence: 8, after: 5 });
      await there.publish(topic, '9', { sequence: 9, after: 6 });
      await listener.until(({ texts }) => texts.length === 3);
      const late = await there.publish(topic, '12', { sequence: 12, after: 10 });
      expect(late).toMatchObject({ isDuplicate: false, position: { offset: 1 } });
      expect(late.position?.epoch).not.toBe(first.position?.epoch);
      expect(await there.publish(topic, '11', { sequence: 11, after: 10 })).toMatchObject({
        isDuplicate: true,
      });
      await listener.until(({ texts }) => texts.length === 4);
      expect(listener.calls).toEqual(['live', '5', '8', '9', 'gap epoch', '12']);
      expect(await here.head(topic)).toMatchObject({ offset: 1, sequence: 12 });
    });

    it('advance() begins a new epoch when the topic has not come as far as what the source knows', async () => {
      const [here, there] = [await openBroker(), await openBroker()];
      const topic = topicOf();
      const listener = await collect(here, topic);
      await here.publish(topic, '5', { sequence: 5 });
      await there.advance(topic, 7, 5);
      await there.advance(topic, 6, 6);
      await listener.until(({ texts }) => texts.length === 1);
      expect(listener.gaps).toEqual([]);
      await there.advance(topic, 9, 8);
      await listener.until(({ gaps }) => gaps.length === 1);
      await here.publish(topic, '10', { sequence: 10, after: 9 });
      await listener.until(({ texts }) => texts.length === 2);
      expect(listener.calls).toEqual(['live', '5', 'gap epoch', '10']);
    });

    it('restart() begins a new epoch and tells every listener', async () => {
      const [here, there] = [await openBroker(), await openBroker()];
      const topic = topicOf();
      const listeners = [await collect(here, topic), await collect(there, topic)];
      const { position: old } = await here.publish(topic, 'old', { sequence: 7 });
      for (const listener of listeners) await listener.until(({ texts }) => texts.length === 1);
      const head = await here.restart(topic);
      expect(head).toMatchObject({ offset: 0, sequence: null });
      expect(head.epoch).not.toBe(old?.epoch);
      for (const listener of listeners) await listener.until(({ gaps }) => gaps.length === 1);
      await there.publish(topic, 'new', { sequence: 1 });
      for (const listener of listeners) {
        await listener.until(({ texts }) => texts.length === 2);
        expect(listener.calls).toEqual(['live', 'old', 'gap epoch', 'new']);
        expect(listener.gaps).toEqual([{ reason: 'epoch', position: { epoch: head.epoch, offset: 0 } }]);
      }
      const resumed = await collect(here, topic, { ...(old && { after: old }) });
      expect(resumed.subscription).toMatchObject({ recovered: false, reason: 'epoch' });
    });

    describe('a latest topic', () => {
      it('gives its value to whoever has not seen it, and nothing older', async () => {
        const broker = await openBroker();
        const topic = topicOf({ mode: 'latest' });
        await publishNumbers(broker, topic, 1, 5);
        const head = await broker.head(topic);
        const [fresh, old, current] = await Promise.all([
          collect(broker, topic),
          collect(broker, topic, { after: { epoch: head.epoch, offset: 2 } }),
          collect(broker, topic, { after: head }),
        ]);
        expect([fresh.texts, old.texts, current.texts]).toEqual([['5'], ['5'], []]);
        expect([fresh, old, current].map(({ subscription }) => subscription.recovered)).toEqual([
          true,
          true,
          true,
        ]);
        await broker.publish(topic, '6');
        for (const { until } of [fresh, old, current]) await until(({ texts }) => texts.at(-1) === '6');
      });

      it('gives nothing when there is no value yet', async () => {
        const broker = await openBroker();
        const listener = await collect(broker, topicOf({ mode: 'latest' }));
        expect(listener.calls).toEqual(['live']);
        expect(listener.subscription.recovered).toBe(true);
      });

      it('gives the value of a new epoch to a position of the old one', async () => {
        const broker = await openBroker();
        const topic = topicOf({ mode: 'latest' });
        await broker.publish(topic, 'old');
        const after = await broker.head(topic);
        await broker.restart(topic);
        const without = await collect(broker, topic, { after });
        expect(without.subscription).toMatchObject({ recovered: false, reason: 'epoch' });
        await broker.publish(topic, 'new');
        const listener = await collect(broker, topic, { after });
        expect(listener.subscription.recovered).toBe(true);
        expect(listener.texts).toEqual(['new']);
      });
    });

    describe('a lossy topic', () => {
      it('delivers without positions and keeps nothing', async () => {
        const [here, there] = [await openBroker(), await openBroker()];
        const topic = topicOf({ mode: 'lossy' });
        await here.publish(topic, 'before');
        const listener = await collect(there, topic);
        expect(await here.publish(topic, 'now')).toEqual({ position: null, isDuplicate: false });
        await listener.until(({ texts }) => texts.length === 1);
        expect(listener.texts).toEqual(['now']);
        expect(listener.positions).toEqual([null]);
        expect(listener.subscription).toMatchObject({ recovered: true, position: null });
      });

      it('recovers nothing, has no head and takes no sequence', async () => {
        const broker = await openBroker();
        const topic = topicOf({ mode: 'lossy' });
        const listener = await collect(broker, topic, { after: { epoch: 'x', offset: 1 } });
        expect(listener.subscription).toMatchObject({ recovered: false, reason: 'lossy', position: null });
        await expect(broker.head(topic)).rejects.toThrow(RangeError);
        await expect(broker.restart(topic)).rejects.toThrow(RangeError);
        await expect(broker.publish(topic, 'x', { sequence: 1 })).rejects.toThrow(RangeError);
      });
    });

    it('a listener that throws ends alone, and the publisher does not notice', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const failing = await collect(broker, topic, {
        onEvent: () => {
          throw new Error('A listener of the test fails.');
        },
      });
      const healthy = await collect(broker, topic);
      await publishNumbers(broker, topic, 1, 3);
      await healthy.until(({ texts }) => texts.length === 3);
      expect(failing.calls).toEqual(['live', '1', 'end listenerFailed']);
      expect(healthy.calls).toEqual(['live', '1', '2', '3']);
    });

    it('a listener that leaves does not cut the others off, and hears nothing more', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const [leaver, stayer] = [await collect(broker, topic), await collect(broker, topic)];
      await broker.publish(topic, '1');
      await leaver.until(({ texts }) => texts.length === 1);
      leaver.stop();
      await publishNumbers(broker, topic, 2, 10);
      await stayer.until(({ texts }) => texts.length === 10);
      expect(leaver.calls).toEqual(['live', '1']);
      expect(stayer.texts).toEqual(numbers(1, 10));
    });

    it('a topic that everybody left can be joined again at once', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      for (let round = 1; round <= 20; round += 1) {
        const listener = await collect(broker, topic);
        await broker.publish(topic, String(round));
        await listener.until(({ texts }) => texts.length === 1);
        expect(listener.texts).toEqual([String(round)]);
        listener.subscription.close();
      }
    });

    it('a listener that leaves while it joins is never live', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const leaving = new AbortController();
      const calls: string[] = [];
      const joining = broker.subscribe(topic, {
        signal: leaving.signal,
        onLive: () => calls.push('live'),
        onEvent: () => calls.push('event'),
        onGap: () => calls.push('gap'),
        onEnd: () => calls.push('end'),
      });
      leaving.abort(new Error('Left.'));
      await expect(joining).rejects.toThrow('Left.');
      const listener = await collect(broker, topic);
      await broker.publish(topic, '1');
      await listener.until(({ texts }) => texts.length === 1);
      expect(calls).toEqual([]);
    });

    it('a listener that publishes does not come between two listeners of one event', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const publishing: Promise<unknown>[] = [];
      const first = await collect(broker, topic, {
        onEvent: (text) => {
          if (Number(text) < 10) publishing.push(broker.publish(topic, String(Number(text) + 1)));
        },
      });
      const second = await collect(broker, topic);
      await broker.publish(topic, '1');
      for (const { until } of [first, second]) await until(({ texts }) => texts.length === 10);
      await Promise.all(publishing);
      expect([first.texts, second.texts]).toEqual([numbers(1, 10), numbers(1, 10)]);
    });

    it('close() ends every subscription once and refuses what comes later', async () => {
      const broker = await openBroker();
      const topic = topicOf();
      const listener = await collect(broker, topic);
      await Promise.all([broker.close(), broker.close()]);
      expect(listener.calls).toEqual(['live', 'end brokerClosed']);
      await expect(broker.publish(topic, 'x')).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(collect(broker, topic)).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });
}
