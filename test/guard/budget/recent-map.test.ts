import { describe, expect, it } from 'vitest';
import { createRecentMap } from '../../../src/guard/budget/recent-map.ts';

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
