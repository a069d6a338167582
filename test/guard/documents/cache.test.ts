import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDocumentCache } from '../../../src/guard/documents/cache.ts';

describe('createDocumentCache()', () => {
  it('gives what it was given, until it was given something else', () => {
    const cache = createDocumentCache<number>({ maxEntries: 10, maxBytes: 100 });
    expect(cache.get('a')).toBeUndefined();
    cache.set('a', 1, 5);
    expect(cache.get('a')).toBe(1);
    cache.set('a', 2, 7);
    expect(cache.get('a')).toBe(2);
    expect(cache.size()).toEqual({ entries: 1, bytes: 7 });
  });

  it('keeps what was asked for again through a flood of newcomers', () => {
    const cache = createDocumentCache<number>({ maxEntries: 10, maxBytes: 1000 });
    for (let at = 0; at < 8; at += 1) {
      cache.set(`proven ${at}`, at, 1);
      cache.get(`proven ${at}`);
    }
    for (let at = 0; at < 5000; at += 1) cache.set(`flood ${at}`, at, 1);
    for (let at = 0; at < 8; at += 1) expect(cache.get(`proven ${at}`)).toBe(at);
    expect(cache.size().entries).toBe(10);
  });

  it('gives newcomers all the room that there is, and lets the first of them go', () => {
    const cache = createDocumentCache<number>({ maxEntries: 10, maxBytes: 1000 });
    const keys = Array.from({ length: 11 }, (_, at) => String(at));
    for (const key of keys) cache.set(key, 1, 1);
    expect(keys.map(cache.get)).toEqual([undefined, ...keys.slice(1).map(() => 1)]);
  });

  it('lets the proven one go that was not asked for longest, by way of the newcomers', () => {
    const cache = createDocumentCache<number>({ maxEntries: 5, maxBytes: 1000 });
    for (const key of ['a', 'b', 'c', 'd', 'a', 'e']) {
      if (cache.get(key) === undefined) cache.set(key, 1, 1);
      cache.get(key);
    }
    // Four are proven; b, not asked for longest, is a newcomer again and goes with the next.
    cache.set('f', 1, 1);
    expect(['a', 'c', 'd', 'e', 'f'].map(cache.get)).toEqual([1, 1, 1, 1, 1]);
    expect(cache.get('b')).toBeUndefined();
  });

  it('keeps no value that is heavier than a fifth of it', () => {
    const cache = createDocumentCache<number>({ maxEntries: 10, maxBytes: 100 });
    cache.set('at', 1, 20);
    expect(cache.get('at')).toBe(1);
    cache.set('above', 1, 21);
    expect(cache.get('above')).toBeUndefined();
  });

  it('never holds more than it may, and counts what it holds', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 30 }), bytes: fc.integer({ min: 1, max: 40 }) });
    const limits = {
      maxEntries: fc.integer({ min: 1, max: 12 }),
      maxBytes: fc.integer({ min: 1, max: 200 }),
    };
    fc.assert(
      fc.property(fc.record(limits), fc.array(step, { maxLength: 200 }), (bounds, steps) => {
        const cache = createDocumentCache<number>(bounds);
        const given = new Map<string, number>();
        for (const { key, bytes } of steps) {
          const name = String(key);
          const found = cache.get(name);
          if (found !== undefined) expect(found).toBe(given.get(name));
          else {
            cache.set(name, bytes, bytes);
            given.set(name, bytes);
          }
          const { entries, bytes: held } = cache.size();
          expect(entries).toBeLessThanOrEqual(bounds.maxEntries);
          expect(held).toBeLessThanOrEqual(bounds.maxBytes);
        }
        const kept = [...given].filter(([name]) => cache.get(name) !== undefined);
        expect(kept.length).toBeLessThanOrEqual(bounds.maxEntries);
      }),
    );
  });
});
