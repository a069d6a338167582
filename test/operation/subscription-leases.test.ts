import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import { createSubscriptionLeases } from '../../src/operation/subscription-leases.ts';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

const one = anonymousPrincipal('10.0.0.0/24');
const other = anonymousPrincipal('10.0.1.0/24');
const opened: { readonly close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

function setUp(limit = 2) {
  const clock = createFakeClock();
  const leases = createMemoryLeases(clock);
  const instance = () => {
    const made = createSubscriptionLeases({ leases, clock, log: createCollectingLog(), limit });
    opened.push(made);
    return made;
  };
  return { clock, instance };
}

describe('createSubscriptionLeases', () => {
  it('acquire() gives each principal as many as it may have, over all instances', async () => {
    const { instance } = setUp();
    const [first, second] = [instance(), instance()];
    const release = await first.acquire(one);
    await second.acquire(one);
    await expect(first.acquire(one)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await first.acquire(other);
    release();
    release();
    await second.acquire(one);
    await expect(first.acquire(one)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('keeps its places while it lives, and gives them back when it closes', async () => {
    const { clock, instance } = setUp(1);
    const living = instance();
    await living.acquire(one);
    for (let turn = 0; turn < 9; turn += 1) {
      clock.advance(20_000);
      await setImmediate();
    }
    await expect(instance().acquire(one)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await living.close();
    await instance().acquire(one);
  });
});
