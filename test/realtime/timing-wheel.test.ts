import { describe, expect, it } from 'vitest';
import { TimingWheel } from '../../src/realtime/timing-wheel.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

function createWheel() {
  const clock = createFakeClock();
  const errors: unknown[] = [];
  const wheel = new TimingWheel({ clock, tickMs: 100, onError: (thrown) => errors.push(thrown) });
  const ranAtMs: number[] = [];
  return { clock, wheel, errors, ranAtMs, note: () => ranAtMs.push(clock.nowMs()) };
}

describe('TimingWheel', () => {
  it.each([
    [0, 100],
    [1, 100],
    [99, 100],
    [100, 100],
    [101, 200],
    [12_000, 12_000],
  ])('after() runs what is due in %i ms at the tick of %i ms', (delayMs, tickMs) => {
    const { clock, wheel, ranAtMs, note } = createWheel();
    wheel.after(delayMs, note);
    clock.advance(20_000);
    expect(ranAtMs).toEqual([tickMs]);
    expect(wheel.size).toBe(0);
  });

  it('after() is never early and at most one tick late, from any moment', () => {
    const { clock, wheel } = createWheel();
    for (let index = 0; index < 500; index += 1) {
      const dueMs = clock.nowMs() + ((index * 37) % 700);
      wheel.after(dueMs - clock.nowMs(), () => {
        expect(clock.nowMs()).toBeGreaterThanOrEqual(dueMs);
        expect(clock.nowMs()).toBeLessThanOrEqual(dueMs + 100);
      });
      clock.advance((index * 13) % 50);
    }
    clock.advance(1000);
    expect(wheel.size).toBe(0);
  });

  it('has one timer while anything waits, and none otherwise', () => {
    const { clock, wheel, note } = createWheel();
    expect(clock.pendingTimers).toBe(0);
    const cancels = Array.from({ length: 1000 }, (_, index) => wheel.after(index, note));
    expect(clock.pendingTimers).toBe(1);
    for (const cancel of cancels) {
      cancel();
      cancel();
    }
    expect([clock.pendingTimers, wheel.size]).toEqual([0, 0]);
  });

  it('after() counts from now when the wheel has stood still', () => {
    const { clock, wheel, ranAtMs, note } = createWheel();
    clock.advance(86_400_000);
    wheel.after(250, note);
    clock.advance(1000);
    expect(ranAtMs).toEqual([86_400_300]);
  });

  it('runs what was due while the process was held up, each at most once', () => {
    const { clock, ranAtMs, note } = createWheel();
    const held = { ...clock, after: clock.after, nowMs: clock.nowMs };
    const wheel = new TimingWheel({ clock: held, tickMs: 100, onError: () => {} });
    for (const delayMs of [100, 200, 300]) wheel.after(delayMs, note);
    let offsetMs = 0;
    held.nowMs = () => clock.nowMs() + offsetMs;
    offsetMs = 5000;
    clock.advance(100);
    expect(ranAtMs).toHaveLength(3);
    clock.advance(5000);
    expect(ranAtMs).toHaveLength(3);
  });

  it('every() runs again and again, the first time within the period, until cancelled', () => {
    const { clock, wheel, ranAtMs, note } = createWheel();
    const cancel = wheel.every(1000, () => 0.25, note);
    clock.advance(3400);
    expect(ranAtMs).toEqual([300, 1300, 2300, 3300]);
    cancel();
    clock.advance(5000);
    expect(ranAtMs).toHaveLength(4);
  });

  it('every() may be cancelled by its own callback', () => {
    const { clock, wheel, ranAtMs, note } = createWheel();
    const cancel = wheel.every(
      1000,
      () => 0,
      () => {
        note();
        cancel();
      },
    );
    clock.advance(5000);
    expect(ranAtMs).toEqual([100]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('a callback that throws does not keep the others from running', () => {
    const { clock, wheel, errors, ranAtMs, note } = createWheel();
    const failure = new Error('A callback of the test fails.');
    wheel.after(50, () => {
      throw failure;
    });
    wheel.after(50, note);
    clock.advance(100);
    expect([errors, ranAtMs]).toEqual([[failure], [100]]);
  });

  it('close() lets go of all that waits, from within a callback too', () => {
    const { clock, wheel, ranAtMs, note } = createWheel();
    wheel.after(50, () => wheel.close());
    wheel.after(50, note);
    wheel.after(5000, note);
    clock.advance(10_000);
    wheel.after(50, note);
    clock.advance(10_000);
    expect([ranAtMs, clock.pendingTimers, wheel.size]).toEqual([[], 0, 0]);
  });
});
