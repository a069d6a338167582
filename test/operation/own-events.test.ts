import { describe, expect, it } from 'vitest';
import { openPricedEvents } from '../kit/priced-events.ts';
import { type Subscriber, subscribeBySse, subscribeByWs } from '../kit/subscriber.ts';

const query = 'subscription { own { number } }';
/** Restores nothing while a test lasts. */
const restorePerSecond = 0.001;

/** All that comes until the subscription ends, and the error that it ends with. */
async function readAll({ ended, received }: Subscriber) {
  const told = await ended;
  const errors = Array.isArray(told) ? told : received.at(-1)?.errors;
  return { error: errors?.[0], results: received.filter((each) => !each.errors) };
}

describe('events of a stream that a subscriber has for itself', () => {
  it.each([
    { name: 'WebSocket', by: subscribeByWs },
    { name: 'SSE', by: subscribeBySse },
  ])('are paid one by one until the budget is empty, over $name', async ({ name, by }) => {
    await using gateway = await openPricedEvents({ budget: { limitPoints: 20, restorePerSecond } });
    const token = await gateway.tokenOf('reader');
    const extensions = { cost: 'report' };
    await using reader = by(gateway.url, { query, token, extensions });
    const { results, error } = await readAll(reader);
    // Of 20 one to subscribe, and five for each.
    expect(results.map(({ data }) => data)).toEqual([1, 2, 3].map((number) => ({ own: { number } })));
    const costs = results.map((each) => each.extensions?.['cost']);
    expect(costs).toMatchObject(
      [14, 9, 4].map((currentlyAvailable) => ({
        requestedQueryCost: 5,
        actualQueryCost: 5,
        throttleStatus: { currentlyAvailable },
        actualUpstreamCalls: 0,
      })),
    );
    expect(error?.extensions).toMatchObject({
      code: 'RATE_LIMITED',
      reason: 'budget',
      costPoints: 5,
      remainingPoints: 4,
    });
    expect(await gateway.pointsOf('reader')).toBe(4);
    expect(gateway.ownEnds()).toBe(1);
    const transport = name === 'SSE' ? 'sse' : 'ws';
    expect(await gateway.subscriptionEnds()).toEqual([`{transport="${transport}",reason="budget"} 1`]);
  });

  it('come for as long as they are read where no books are kept', async () => {
    await using gateway = await openPricedEvents({
      budget: { limitPoints: 20, restorePerSecond },
      environment: { WEIR_BUDGET_MODE: 'off' },
    });
    await using reader = subscribeByWs(gateway.url, { query, token: await gateway.tokenOf('reader') });
    for (let number = 1; number <= 100; number += 1)
      expect((await reader.next()).data).toEqual({ own: { number } });
  });
});
