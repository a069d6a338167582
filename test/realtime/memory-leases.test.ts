import { describe, expect, it } from 'vitest';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { describeLeases } from './leases-suite.ts';

const clock = createFakeClock();
const shared = createMemoryLeases(clock);

describeLeases('memory', {
  open: () => ({ ...shared, close: async () => {} }),
  pass: async (ttlMs) => clock.advance(ttlMs),
});

describe('createMemoryLeases()', () => {
  it('forgets keys whose leases have lapsed, used or not', async () => {
    const own = createFakeClock();
    const leases = createMemoryLeases(own);
    for (let index = 0; index < 100_000; index += 1) {
      await leases.acquire({ key: `${index}`, holder: 'x' }, 1, 10);
      if (index % 1000 === 999) own.advance(10);
    }
    expect(leases.size).toBeLessThanOrEqual(2048);
  });
});
