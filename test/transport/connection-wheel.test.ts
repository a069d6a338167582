import { describe, expect, it } from 'vitest';
import {
  createConnectionWheel,
  type Timed,
  wheelMaxDelayMs,
  wheelTickMs,
} from '../../src/transport/connection-wheel.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

function entry(onTime: () => void): Timed {
  return { slot: -1, onTime };
}

describe('createConnectionWheel()', () => {
  it.each([0, 1, 249, 250, 251, 3000, 12_000, 60_000])(
    'calls after %i ms, at most two ticks late',
    (delayMs) => {
      const clock = createFakeClock();
      const wheel = createConnectionWheel(clock);
      for (const startMs of [0, 100, 249]) {
        clock.advance(startMs);
        const fromMs = clock.nowMs();
        let calledMs: number | undefined;
        wheel.schedule(
          entry(() => {
            calledMs = clock.nowMs() - fromMs;
          }),
          delayMs,
        );
        for (let ms = 0; ms < delayMs + 3 * wheelTickMs; ms += 1) clock.advance(1);
        expect(calledMs).toBeGreaterThanOrEqual(delayMs);
        expect(calledMs).toBeLessThanOrEqual(delayMs + 2 * wheelTickMs);
      }
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('cuts a delay to the longest there is', () => {
    const clock = createFakeClock();
    const wheel = createConnectionWheel(clock);
    let calls = 0;
    wheel.schedule(
      entry(() => {
        calls += 1;
      }),
      Number.POSITIVE_INFINITY,
    );
    clock.advance(wheelMaxDelayMs - 1);
    expect(calls).toBe(0);
    clock.advance(2 * wheelTickMs + 1);
    expect(calls).toBe(1);
  });

  it('holds an entry once, at its latest moment', () => {
    const clock = createFakeClock();
    const wheel = createConnectionWheel(clock);
    let calls = 0;
    const one = entry(() => {
      calls += 1;
    });
    wheel.schedule(one, 1000);
    wheel.schedule(one, 5000);
    clock.advance(4000);
    expect(calls).toBe(0);
    clock.advance(2000);
    expect(calls).toBe(1);
    wheel.schedule(one, 1000);
    wheel.cancel(one);
    wheel.cancel(one);
    clock.advance(5000);
    expect(calls).toBe(1);
  });

  it('lets entries schedule and cancel each other while it turns', () => {
    const clock = createFakeClock();
    const wheel = createConnectionWheel(clock);
    const calls: string[] = [];
    const other = entry(() => calls.push('other'));
    const one: Timed = entry(() => {
      calls.push('one');
      wheel.cancel(other);
      if (calls.length < 3) wheel.schedule(one, 1000);
    });
    wheel.schedule(one, 1000);
    wheel.schedule(other, 1000);
    clock.advance(10_000);
    expect(calls).toEqual(['one', 'one', 'one']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('makes good what it missed while the process was held up', () => {
    const clock = createFakeClock();
    const wheel = createConnectionWheel({
      ...clock,
      after: (_delayMs, callback) => clock.after(5000, callback),
    });
    const calls: number[] = [];
    for (const delayMs of [100, 1000, 4000])
      wheel.schedule(
        entry(() => calls.push(delayMs)),
        delayMs,
      );
    clock.advance(5000);
    expect(calls).toEqual([100, 1000, 4000]);
  });

  it('calls nobody once it is closed', () => {
    const clock = createFakeClock();
    const wheel = createConnectionWheel(clock);
    wheel.schedule(
      entry(() => {
        throw new Error('called');
      }),
      10,
    );
    wheel.close();
    clock.advance(1000);
    expect(clock.pendingTimers).toBe(0);
  });
});
