import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AdmittedPoints, worstWindow } from './history.ts';

/** By trying every window. */
function worstByTrying(events: readonly AdmittedPoints[]): number {
  let worst = 0;
  for (const first of events)
    for (const last of events.filter(({ atUs }) => atUs >= first.atUs)) {
      const inside = events.filter(({ atUs }) => atUs >= first.atUs && atUs <= last.atUs);
      const cost = inside.reduce((sum, event) => sum + event.costUs, 0);
      worst = Math.max(worst, cost - (last.atUs - first.atUs));
    }
  return worst;
}

it('worstWindow() finds what trying every window finds', () => {
  const event = fc.record({ atUs: fc.nat(1_000), costUs: fc.nat(300) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      expect(worstWindow(events).excessUs).toBe(worstByTrying(events));
    }),
    { numRuns: 1_000 },
  );
});
