import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/observe/log.ts';
import type { Broker } from '../../src/realtime/broker.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { describeBroker } from './broker-suite.ts';
import { collect, publishNumbers, topicOf } from './collector.ts';

const log = createLog('silent');
/** Instances of one process share its memory: a test that opens two gets the same one. */
let shared: { readonly broker: Broker; isClosed: boolean } | undefined;

describeBroker('memory', async (options) => {
  if (shared === undefined || shared.isClosed) {
    const opened = { broker: createMemoryBroker({ log, ...options }), isClosed: false };
    const { close } = opened.broker;
    shared = opened;
    opened.broker.close = () => {
      opened.isClosed = true;
      return close.call(opened.broker);
    };
  }
  return shared.broker;
});

describe('createMemoryBroker()', () => {
  it('lets events go at their age: kept just below it, gone at it', async () => {
    const clock = createFakeClock();
    const broker = createMemoryBroker({ log, clock });
    const topic = topicOf({ history: { maxAgeMs: 1000 } });
    const after = await broker.head(topic);
    await broker.publish(topic, '1');
    clock.advance(999);
    expect((await collect(broker, topic, { after })).texts).toEqual(['1']);
    clock.advance(1);
    expect((await collect(broker, topic, { after })).subscription).toMatchObject({
      recovered: false,
      reason: 'trimmed',
    });
    await broker.close();
  });

  it('forgets the topic that is unused the longest above its bound, and says so', async () => {
    const broker = createMemoryBroker({ log, maxTopics: 2 });
    const topics = [topicOf(), topicOf(), topicOf()] as const;
    const heads = [];
    for (const topic of topics.slice(0, 2)) heads.push(await broker.head(topic));
    await broker.publish(topics[0], 'x');
    await broker.publish(topics[2], 'x');
    expect(await broker.head(topics[0])).toMatchObject({ epoch: heads[0]?.epoch, offset: 1 });
    expect((await broker.head(topics[1])).epoch).not.toBe(heads[1]?.epoch);
    await broker.close();
  });

  it('leaves no timer behind', async () => {
    const clock = createFakeClock();
    const broker = createMemoryBroker({ log, clock });
    const topic = topicOf();
    await collect(broker, topic);
    await publishNumbers(broker, topic, 1, 10);
    await broker.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
