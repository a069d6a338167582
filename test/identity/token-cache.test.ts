import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenCache } from '../../src/identity/token-cache.ts';

describe('createTokenCache()', () => {
  it('gives back what was set, and the later of two under one key', () => {
    const cache = createTokenCache<number>(4);
    cache.set('a', 1);
    cache.set('a', 2);
    expect(cache.get('a')).toBe(2);
    expect(cache.get('b')).toBeUndefined();
    expect(cache.size()).toBe(1);
  });

  it('keeps the half used most recently, and forgets what nobody asked for', () => {
    const cache = createTokenCache<number>(8);
    for (let at = 0; at < 100; at += 1) {
      cache.set(`cold-${at}`, at);
      expect(cache.get(at === 0 ? 'cold-0' : 'hot')).toBe(at === 0 ? 0 : 1);
      if (at === 0) cache.set('hot', 1);
    }
    expect(cache.get('cold-99')).toBe(99);
    expect(cache.get('cold-0')).toBeUndefined();
  });

  it('never holds more than its bound, nor a wrong value, whatever is done to it', () => {
    const key = fc.nat({ max: 30 }).map(String);
    const step = fc.record({ kind: fc.constantFrom('get', 'set'), key });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(step, { maxLength: 200 }), (bound, steps) => {
        const cache = createTokenCache<string>(bound);
        for (const { kind, key } of steps) {
          if (kind === 'set') cache.set(key, `value ${key}`);
          expect([undefined, `value ${key}`]).toContain(cache.get(key));
          expect(cache.size()).toBeLessThanOrEqual(bound);
        }
      }),
    );
  });

  it('always finds the last half of its bound again', () => {
    const cache = createTokenCache<number>(10);
    for (let at = 0; at < 100; at += 1) {
      cache.set(String(at), at);
      for (let back = Math.max(0, at - 4); back <= at; back += 1) expect(cache.get(String(back))).toBe(back);
    }
  });
});
