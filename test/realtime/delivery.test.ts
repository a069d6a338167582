import { afterEach, describe, expect, it } from 'vitest';
import type { Broker, BrokerEvent, Position } from '../../src/realtime/broker.ts';
import { createDeliveries, type DeliveryRequest } from '../../src/realtime/delivery.ts';
import type { Delivery } from '../../src/realtime/lane.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import type { Attached, EndReason, Live, Sink } from '../../src/realtime/sink.ts';
import { type TopicMode, topicFromOptions } from '../../src/realtime/topic.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

const made: Broker[] = [];
afterEach(async () => {
  for (const broker of made.splice(0)) await broker.close();
});

/** A subscriber that writes down what it is told. */
class Reader implements Sink {
  readonly told: string[] = [];
  lived: Live | undefined;
  attached: Attached | undefined;
  readonly #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  live = (live: Live) => {
    this.lived = live;
    this.#tell(`live${live.recovered === undefined ? '' : ` ${live.reason ?? live.recovered}`}`);
  };
  next = ({ json }: { readonly json: string }) => this.#tell(json);
  gap = ({ dropped, reason }: { readonly dropped: number | undefined; readonly reason: string }) =>
    this.#tell(`gap ${dropped ?? '?'} ${reason}`);
  end = (reason: EndReason) => this.#tell(`end ${reason}`);
  bufferedBytes = () => 0;
  onDrain = () => {};

  /** Resolves when it has been told `last`. */
  hears(last: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds: () => this.told.includes(last), resolve });
      this.#check();
    });
  }

  #tell(text: string): void {
    this.told.push(text);
    this.#check();
  }

  #check(): void {
    for (const { holds, resolve } of this.#waiting) if (holds()) resolve();
  }
}

function setUp(mode: TopicMode = 'log') {
  const broker = createMemoryBroker({ log: createCollectingLog() });
  made.push(broker);
  const topic = topicFromOptions({ key: 'books', mode });
  const deliveries = createDeliveries({ broker, replayPricePercent: 50 });
  const executed: string[] = [];
  let feeds = 0;
  let fed = 0;
  const gates: (() => Promise<void>)[] = [];

  const execute = async ({ payload }: BrokerEvent): Promise<Delivery> => {
    const json = Buffer.from(payload).toString();
    executed.push(json);
    await gates.shift()?.();
    const delivered = {
      json,
      cursor: undefined,
      policy: 'disconnect' as const,
      coalesceKey: undefined,
      frame: () => Buffer.from(json),
    };
    return { delivered, points: 2 };
  };
  const subscribe = (given: Partial<DeliveryRequest> = {}): Reader => {
    const reader = new Reader();
    reader.attached = deliveries.attach({
      cohort: 'one',
      topic,
      after: undefined,
      sink: reader,
      account: { pay: () => true, payFirst: () => true },
      whenEmpty: 'end',
      execute,
      cursorOf: ({ offset }) => String(offset),
      errorFrom: () => ({}),
      feed: () => {
        feeds += 1;
        fed += 1;
        return {
          ready: Promise.resolve(),
          release: () => {
            fed -= 1;
          },
        };
      },
      onEnd: () => {},
      ...given,
    });
    return reader;
  };
  const publish = (...texts: readonly string[]) =>
    Promise.all(texts.map((text) => broker.publish(topic, text)));
  const head = async (): Promise<Position> => {
    const { epoch, offset } = await broker.head(topic);
    return { epoch, offset };
  };
  return {
    broker,
    deliveries,
    subscribe,
    publish,
    head,
    executed,
    gates,
    feeds: () => feeds,
    fed: () => fed,
  };
}

describe('createDeliveries', () => {
  it('attach() executes an event once for all members of a cohort, and once for each cohort', async () => {
    const { subscribe, publish, executed, feeds } = setUp();
    const readers = [subscribe(), subscribe(), subscribe({ cohort: 'other' })];
    await Promise.all(readers.map((reader) => reader.hears('live')));
    await publish('a', 'b');
    await Promise.all(readers.map((reader) => reader.hears('b')));
    for (const { told } of readers) expect(told).toEqual(['live', 'a', 'b']);
    expect(executed.sort()).toEqual(['a', 'a', 'b', 'b']);
    expect(feeds()).toBe(2);
  });

  it('attach() gives the late comer nothing of what was on its way before', async () => {
    const { subscribe, publish, gates } = setUp();
    const first = subscribe();
    await first.hears('live');
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.push(() => promise);
    await publish('a', 'b');
    const late = subscribe();
    expect(late.told).toEqual(['live']);
    expect(late.lived?.cursor).toBe('2');
    resolve();
    await publish('c');
    await Promise.all([first.hears('c'), late.hears('c')]);
    expect(first.told).toEqual(['live', 'a', 'b', 'c']);
    expect(late.told).toEqual(['live', 'c']);
  });

  it('attach() gives one who comes back all that it missed, then the same execution as all others', async () => {
    const { subscribe, publish, head, executed } = setUp();
    const steady = subscribe();
    await steady.hears('live');
    await publish('a');
    const after = await head();
    await publish('b', 'c');
    await steady.hears('c');
    const back = [subscribe({ after }), subscribe({ after })];
    await Promise.all(back.map((reader) => reader.hears('c')));
    await publish('d');
    await Promise.all([steady, ...back].map((reader) => reader.hears('d')));
    for (const { told } of back) expect(told).toEqual(['live true', 'b', 'c', 'd']);
    expect(steady.told).toEqual(['live', 'a', 'b', 'c', 'd']);
    // Those who came back together share one lane; caught up, all share one execution.
    expect(executed).toEqual(['a', 'b', 'c', 'b', 'c', 'd']);
  });

  it('attach() gives everything in order while events come and readers come back, and loses none', async () => {
    const { subscribe, publish, head } = setUp();
    const start = await head();
    const readers: Reader[] = [];
    for (let index = 0; index < 60; index += 1) {
      if (index % 5 === 0) readers.push(subscribe({ after: start }));
      await publish(String(index));
    }
    await Promise.all(readers.map((reader) => reader.hears('59')));
    const all = Array.from({ length: 60 }, (_, index) => String(index));
    for (const { told } of readers) expect(told).toEqual(['live true', ...all]);
  });

  it('attach() tells why nothing is recovered from another epoch, and goes on from now', async () => {
    const { subscribe, publish } = setUp();
    const reader = subscribe({ after: { epoch: 'gone', offset: 3 } });
    await reader.hears('live epoch');
    await publish('a');
    await reader.hears('a');
    expect(reader.told).toEqual(['live epoch', 'a']);
  });

  it('attach() reads on from the history when events come faster than they are executed', async () => {
    const { subscribe, publish, gates } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    const reader = subscribe();
    await reader.hears('live');
    gates.push(() => promise);
    const texts = Array.from({ length: 900 }, (_, index) => `e${index}`);
    for (const text of texts) await publish(text);
    resolve();
    await reader.hears('e899');
    expect(reader.told).toEqual(['live', ...texts]);
  });

  it('attach() reads on from the history when a backlog is longer than what may wait', async () => {
    const { subscribe, publish, head, gates } = setUp();
    const steady = subscribe();
    await steady.hears('live');
    const after = await head();
    const texts = Array.from({ length: 900 }, (_, index) => `e${index}`);
    for (const text of texts) await publish(text);
    await steady.hears('e899');
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.push(...Array.from({ length: 200 }, () => () => Promise.resolve()), () => promise);
    const back = subscribe({ after });
    await back.hears('e199');
    // What is new comes when there is room again, and what had none has not been read yet.
    await publish('late');
    resolve();
    await back.hears('late');
    expect(back.told).toEqual(['live true', ...texts, 'late']);
  });

  it('attach() gives each who comes the newest value of a `latest` topic', async () => {
    const { subscribe, publish, executed } = setUp('latest');
    await publish('a', 'b');
    const first = subscribe();
    await first.hears('b');
    const second = subscribe();
    await second.hears('b');
    await publish('c');
    await Promise.all([first.hears('c'), second.hears('c')]);
    expect(first.told).toEqual(['live', 'b', 'c']);
    expect(second.told).toEqual(['live', 'b', 'c']);
    expect(executed.filter((text) => text === 'c')).toHaveLength(1);
  });

  it('attach() ends who cannot pay, or leaves events out and says how many, and disturbs nobody', async () => {
    const { subscribe, publish } = setUp();
    let points = 2;
    const pay = (price: number) => {
      const has = points >= price;
      if (has) points -= price;
      return has;
    };
    const account = { pay, payFirst: pay };
    const ends = subscribe({ account: { pay: () => false, payFirst: () => false } });
    const skips = subscribe({ account, whenEmpty: 'skip' });
    const steady = subscribe();
    await steady.hears('live');
    await publish('a', 'b', 'c');
    await steady.hears('c');
    points = 4;
    await publish('d');
    await steady.hears('d');
    expect(ends.told).toEqual(['live', 'end budget']);
    expect(skips.told).toEqual(['live', 'a', 'gap 2 budget', 'd']);
    expect(steady.told).toEqual(['live', 'a', 'b', 'c', 'd']);
  });

  it('attach() charges half of what was missed, the whole of what is new, and no less of what had to wait', async () => {
    const { subscribe, publish, head, gates } = setUp();
    const steady = subscribe();
    await steady.hears('live');
    const after = await head();
    const missed = Array.from({ length: 600 }, (_, index) => `m${index}`);
    for (const text of missed) await publish(text);
    await steady.hears('m599');
    const paid: number[] = [];
    const pay = (points: number) => {
      paid.push(points);
      return true;
    };
    const back = subscribe({ after, account: { pay, payFirst: pay } });
    await back.hears('m599');
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.push(() => promise);
    // So many that they are read from the history, though nobody has been away.
    const fresh = Array.from({ length: 600 }, (_, index) => `f${index}`);
    for (const text of fresh) await publish(text);
    resolve();
    await back.hears('f599');
    expect(back.told).toEqual(['live true', ...missed, ...fresh]);
    expect(paid).toEqual([...missed.map(() => 1), ...fresh.map(() => 2)]);
  });

  it('attach() charges the newest value of a `latest` topic at half to who comes back, and whole to who comes', async () => {
    const { subscribe, publish, head } = setUp('latest');
    const after = await head();
    await publish('a', 'b');
    const paid: Record<string, number[]> = { new: [], back: [] };
    const accountOf = (name: string) => {
      const pay = (points: number) => (paid[name]?.push(points) ?? 0) > 0;
      return { pay, payFirst: pay };
    };
    const readers = [
      subscribe({ account: accountOf('new') }),
      subscribe({ account: accountOf('back'), after }),
    ];
    await Promise.all(readers.map((reader) => reader.hears('b')));
    await publish('c');
    await Promise.all(readers.map((reader) => reader.hears('c')));
    expect(paid).toEqual({ new: [2, 2], back: [1, 2] });
  });

  it('attach() gives what was missed when it is paid for, in order, and nothing to who left meanwhile', async () => {
    const { subscribe, publish, head } = setUp();
    const after = await head();
    await publish('a', 'b', 'c');
    const asked: ((isPaid: boolean) => void)[] = [];
    let onAsked = () => {};
    const accountOf = () => ({
      pay: () => true,
      payFirst: () =>
        new Promise<boolean>((resolve) => {
          asked.push(resolve);
          onAsked();
        }),
    });
    const untilAsked = (count: number) =>
      new Promise<void>((resolve) => {
        onAsked = () => asked.length === count && resolve();
        onAsked();
      });
    const stays = subscribe({ after, account: accountOf(), whenEmpty: 'skip' });
    const leaves = subscribe({ after, account: accountOf() });
    await untilAsked(2);
    expect([stays.told, leaves.told]).toEqual([['live true'], ['live true']]);
    leaves.attached?.stop('client');
    for (const answer of asked) answer(true);
    await untilAsked(3);
    expect([stays.told, leaves.told]).toEqual([['live true', 'a'], ['live true']]);
    asked[2]?.(false);
    await untilAsked(4);
    asked[3]?.(true);
    await stays.hears('c');
    expect(stays.told).toEqual(['live true', 'a', 'gap 1 budget', 'c']);
  });

  it('attach() begins when the topic is fed, and tells what keeps it from that', async () => {
    const { subscribe, publish } = setUp();
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const waits = subscribe({ cohort: 'slow', feed: () => ({ ready, release: () => {} }) });
    const steady = subscribe();
    await steady.hears('live');
    await publish('a');
    await steady.hears('a');
    expect(waits.told).toEqual([]);
    resolve();
    await waits.hears('live');
    await publish('b');
    await waits.hears('b');
    expect(waits.told).toEqual(['live', 'b']);
    const broken = { ready: Promise.reject(new Error('away')), release: () => {} };
    const fails = subscribe({ cohort: 'broken', feed: () => broken });
    await fails.hears('end failed');
  });

  it('stop() leaves without a word, and the last to leave ends the feed', async () => {
    const { subscribe, publish, executed, fed, deliveries } = setUp();
    const ended: EndReason[] = [];
    const reader = subscribe({ onEnd: (reason) => ended.push(reason) });
    const other = subscribe();
    await other.hears('live');
    reader.attached?.stop('client');
    reader.attached?.stop('client');
    await publish('a');
    await other.hears('a');
    expect({ told: reader.told, ended, fed: fed() }).toEqual({ told: ['live'], ended: ['client'], fed: 1 });
    other.attached?.stop('client');
    await publish('b');
    expect({ executed, fed: fed(), size: deliveries.size() }).toEqual({ executed: ['a'], fed: 0, size: 0 });
  });

  it('close() ends all as a drain; a broker that closes does so too', async () => {
    const { subscribe, deliveries } = setUp();
    const readers = [subscribe(), subscribe({ cohort: 'other' })];
    await Promise.all(readers.map((reader) => reader.hears('live')));
    deliveries.close();
    for (const { told } of readers) expect(told).toEqual(['live', 'end drain']);
    const second = setUp();
    const reader = second.subscribe();
    await reader.hears('live');
    await second.broker.close();
    await reader.hears('end drain');
  });
});
