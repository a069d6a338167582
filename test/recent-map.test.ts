import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecentMap } from '../src/recent-map.ts';

describe('createRecentMap()', () => {
  it('holds at most maxEntries, and always the half used most recently', () => {
    const map = createRecentMap<number>(10);
    for (let index = 0; index < 100; index += 1) {
      map.set(`key-${index}`, index);
      expect(map.size()).toBeLessThanOrEqual(10);
      for (let recent = Math.max(0, index - 4); recent <= index; recent += 1)
        expect(map.get(`key-${recent}`)).toBe(recent);
    }
    expect(map.get('key-0')).toBeUndefined();
  });

  it('keeps what is got again and again', () => {
    const map = createRecentMap<string>(4);
    map.set('hot', 'value');
    for (let index = 0; index < 100; index += 1) {
      map.set(`key-${index}`, 'other');
      expect(map.get('hot')).toBe('value');
    }
  });

  it('replaces and deletes in both generations', () => {
    const map = createRecentMap<number>(4);
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
    map.set('a', 10);
    map.delete('b');
    map.delete('c');
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([10, undefined, undefined]);
    expect(map.size()).toBe(1);
  });
});

describe('createRecentMap() as a cache', () => {
  it('gives back what was set, and the later of two under one key', () => {
    const cache = createRecentMap<number>(4);
    cache.set('a', 1);
    cache.set('a', 2);
    expect(cache.get('a')).toBe(2);
    expect(cache.get('b')).toBeUndefined();
    expect(cache.size()).toBe(1);
  });

  it('keeps the half used most recently, and forgets what nobody asked for', () => {
    const cache = createRecentMap<number>(8);
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
        const cache = createRecentMap<string>(bound);
        for (const { kind, key } of steps) {
          if (kind === 'set') cache.set(key, `value ${key}`);
          expect([undefined, `value ${key}`]).toContain(cache.get(key));
          expect(cache.size()).toBeLessThanOrEqual(bound);
        }
      }),
    );
  });

  it('always finds the last half of its bound again', () => {
    const cache = createRecentMap<number>(10);
    for (let at = 0; at < 100; at += 1) {
      cache.set(String(at), at);
      for (let back = Math.max(0, at - 4); back <= at; back += 1) expect(cache.get(String(back))).toBe(back);
    }
  });
});
