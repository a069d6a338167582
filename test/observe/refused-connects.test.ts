import { expect, it } from 'vitest';
import { createRefusedConnects } from '../../src/observe/refused-connects.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

it('createRefusedConnects() writes one line a second however many there are, and nothing when there are none', () => {
  const clock = createFakeClock();
  const log = createCollectingLog();
  const refused = createRefusedConnects(log, clock);
  for (let ms = 0; ms < 2500; ms += 1) {
    refused.add(ms % 2 === 0 ? 'ws' : 'sse', 'rate');
    clock.advance(1);
  }
  refused.close();
  refused.close();
  clock.advance(60_000);
  expect(log.lines).toEqual(
    [500, 500, 250].map((each) => ({
      level: 'warn',
      message: 'connections were sent away',
      fields: { refused: { 'ws rate': each, 'sse rate': each } },
    })),
  );
  expect(clock.pendingTimers).toBe(0);
});
