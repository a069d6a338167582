import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Feed,
  openPricedEvents,
  type PricedEvents,
  type PricedEventsOptions,
  undisturbed,
} from '../kit/priced-events.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { type Received, type Subscriber, subscribeByEventSource, subscribeByWs } from '../kit/subscriber.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

/** Restores nothing while a test lasts. */
const restNothing = 0.001;
const queryOf = (feed: Feed | 'cheap') => `subscription { ${feed} { number } }`;
const numberOf = ({ data }: Received) => Object.values(data as Record<string, { number: number }>)[0]?.number; // as: of queryOf

async function take(subscriber: Subscriber, count: number): Promise<readonly Received[]> {
  const taken: Received[] = [];
  while (taken.length < count) taken.push(await subscriber.next());
  return taken;
}

async function subscribe(
  gateway: PricedEvents,
  subject: string,
  feed: Feed,
  resume?: string,
): Promise<Subscriber> {
  const token = await gateway.tokenOf(subject);
  const wanted = { query: queryOf(feed), token, ...(resume !== undefined && { resume }) };
  const subscriber = subscribeByWs(gateway.url, wanted);
  await subscriber.live;
  return subscriber;
}

/** Points by which a caller has become poorer since it was asked last. */
async function purseOf(gateway: PricedEvents, subject: string) {
  let left = await gateway.pointsOf(subject);
  return async () => {
    const before = left;
    left = await gateway.pointsOf(subject);
    return before - left;
  };
}

const stores = [
  { store: 'memory', config: () => ({}) },
  { store: 'Redis', config: () => ({ redis: { url: redis.url } }) },
];
const cases = stores.flatMap(({ store, config }) =>
  (['everybody', 'mine'] as const).map((feed) => ({ store, config, feed })),
);

describe.each(cases)('events of $feed with budgets in $store', ({ store, config, feed }) => {
  const run = (
    options: Partial<PricedEventsOptions>,
    test: (gateway: PricedEvents, attempt: number) => Promise<void>,
  ) =>
    undisturbed(
      { budget: { limitPoints: 200, restorePerSecond: restNothing }, ...config(), ...options },
      test,
    );

  it.each([
    { percent: 50, replayed: 3 },
    { percent: 0, replayed: 1 },
    // The control: without a discount a replay costs what it costs to be there.
    { percent: 100, replayed: 5 },
  ])('cost 5 points live, and $replayed from the history at $percent %', ({ percent, replayed }) =>
    run({ realtime: { replayPricePercent: percent } }, async (gateway, attempt) => {
      const subject = `reader-${store}-${feed}-${percent}-${attempt}`;
      const spent = await purseOf(gateway, subject);
      const first = await subscribe(gateway, subject, feed);
      expect(await spent()).toBe(1);
      await gateway.publish(feed, 1, 2);
      const [, last] = await take(first, 2);
      expect(await spent()).toBe(2 * 5);
      await first[Symbol.asyncDispose]();
      await gateway.untilSubscribed(0);
      await gateway.publish(feed, 3, 6);
      expect(await spent()).toBe(0);

      await using back = await subscribe(gateway, subject, feed, last?.cursor);
      expect((await take(back, 4)).map(numberOf)).toEqual([3, 4, 5, 6]);
      expect(await spent()).toBe(1 + 4 * replayed);
      await gateway.publish(feed, 7, 9);
      expect((await take(back, 3)).map(numberOf)).toEqual([7, 8, 9]);
      expect(await spent()).toBe(3 * 5);
    }),
  );

  it('are paid by each who comes back, also where one execution serves all', () =>
    run({}, async (gateway, attempt) => {
      const subjects = [1, 2].map((number) => `one-of-${store}-${feed}-${number}-${attempt}`);
      const steady = await subscribe(gateway, `steady-${store}-${feed}`, feed);
      const cursor = new Map<string, string | undefined>();
      const purses = await Promise.all(subjects.map((subject) => purseOf(gateway, subject)));
      for (const subject of subjects) {
        await using reader = await subscribe(gateway, subject, feed);
        cursor.set(subject, (await reader.live).cursor);
      }
      await gateway.untilSubscribed(1);
      await gateway.publish(feed, 1, 5);
      const readers = await Promise.all(
        subjects.map((subject) => subscribe(gateway, subject, feed, cursor.get(subject))),
      );
      for (const reader of readers) expect((await take(reader, 5)).map(numberOf)).toEqual([1, 2, 3, 4, 5]);
      // Subscribing twice, and five events at 3.
      expect(await Promise.all(purses.map((spent) => spent()))).toEqual([17, 17]);
      for (const reader of [steady, ...readers]) await reader[Symbol.asyncDispose]();
    }));

  it.each([subscribeByWs, subscribeByEventSource])(
    'all reach a client that comes back with next to nothing over and over, once and in order (%o)',
    (by) =>
      // Subscribing and three replayed events at a time; the fourth finds 2 points.
      run({ budget: { limitPoints: 12, restorePerSecond: 200 } }, async (gateway, attempt) => {
        const subject = `poor-${store}-${feed}-${by.name}-${attempt}`;
        const token = await gateway.tokenOf(subject);
        const start = await subscribe(gateway, subject, feed);
        let { cursor } = await start.live;
        await start[Symbol.asyncDispose]();
        await gateway.untilSubscribed(0);
        await gateway.publish(feed, 1, 40);
        const seen: (number | undefined)[] = [];
        const ends: unknown[] = [];
        for (;;) {
          const wanted = { query: queryOf(feed), token, ...(cursor !== undefined && { resume: cursor }) };
          await using reader = by(gateway.url, wanted);
          while (seen.length < 40) {
            const next = await reader.next().catch(() => undefined);
            if (!next || next.errors) break;
            seen.push(numberOf(next));
            cursor = next.cursor;
          }
          if (seen.length === 40) break;
          const { extensions } = await endOf(reader);
          ends.push(extensions);
          await wait(Number(extensions['retryAfterMs']));
        }
        expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
        // Points come back meanwhile: the busier the machine, the fewer ends.
        expect(ends.length).toBeGreaterThan(0);
        for (const end of ends)
          expect(end).toMatchObject({
            code: 'RATE_LIMITED',
            reason: 'budget',
            tier: 'principal',
            costPoints: 3,
          });
      }),
  );
});

/** The error that a subscription was ended with, as its transport tells it. */
async function endOf({
  ended,
  received,
}: Subscriber): Promise<{ readonly extensions: Record<string, unknown> }> {
  const told = await ended;
  const errors = Array.isArray(told) ? told : received.at(-1)?.errors;
  if (!errors?.[0]) throw new Error(`expected errors, got ${JSON.stringify(told)}`);
  return errors[0];
}

describe('a subscription', () => {
  it('is admitted with what it takes to subscribe and to be given an event, and no less', async () => {
    await using gateway = await openPricedEvents({
      budget: { limitPoints: 9, restorePerSecond: restNothing },
    });
    const wanted = { query: queryOf('cheap'), token: await gateway.tokenOf('cheap') };
    const pay = async () => {
      await using subscriber = subscribeByWs(gateway.url, wanted);
      await subscriber.live;
    };
    for (let left = 9; left > 1; left -= 1) {
      expect(await gateway.pointsOf('cheap')).toBe(left);
      await pay();
    }
    await expect(pay()).rejects.toMatchObject([
      { extensions: { code: 'RATE_LIMITED', costPoints: 2, remainingPoints: 1 } },
    ]);
    expect(await gateway.pointsOf('cheap')).toBe(1);
  });
});
