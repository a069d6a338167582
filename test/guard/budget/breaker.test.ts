import { describe, expect, it } from 'vitest';
import { createBreaker } from '../../../src/guard/budget/breaker.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';

function open(random = 0) {
  const clock = createFakeClock();
  const breaker = createBreaker({ clock, random: () => random, maxFailures: 3, openMs: 1_000 });
  const fail = (times: number) => {
    for (let turn = 0; turn < times; turn += 1) if (breaker.enter()) breaker.failed();
  };
  return { clock, breaker, fail };
}

describe('createBreaker()', () => {
  it('opens at the third failure in a row', () => {
    const { breaker, fail } = open();
    fail(2);
    expect(breaker.state()).toBe('closed');
    expect(breaker.enter()).toBe(true);
    breaker.succeeded();
    fail(2);
    expect(breaker.state()).toBe('closed');
    fail(1);
    expect(breaker.state()).toBe('open');
    expect(breaker.enter()).toBe(false);
    expect(breaker.retryAfterMs()).toBe(1_000);
  });

  it.each([
    [0, 1_000],
    [0.5, 750],
    [0.999, 501],
  ])('lets one probe through after its time, jitter %f', (random, openMs) => {
    const { clock, breaker, fail } = open(random);
    fail(3);
    clock.advance(openMs - 1);
    expect(breaker.enter()).toBe(false);
    clock.advance(1);
    expect(breaker.enter()).toBe(true);
    expect(breaker.state()).toBe('probing');
    expect(breaker.enter()).toBe(false);
    breaker.succeeded();
    expect(breaker.enter()).toBe(true);
    expect(breaker.retryAfterMs()).toBe(0);
  });

  it('is open again when the probe fails', () => {
    const { clock, breaker, fail } = open();
    fail(3);
    clock.advance(1_000);
    fail(1);
    expect(breaker.state()).toBe('open');
    clock.advance(999);
    expect(breaker.enter()).toBe(false);
    clock.advance(1);
    expect(breaker.enter()).toBe(true);
  });

  it('is not held open by calls that began before', () => {
    const { clock, breaker, fail } = open();
    fail(3);
    clock.advance(900);
    breaker.failed();
    clock.advance(100);
    expect(breaker.enter()).toBe(true);
  });
});
