import { describe, expect, it } from 'vitest';
import { createTally } from '../../../src/guard/cost/tally.ts';

describe('createTally()', () => {
  it('has counted nothing before an execution begins', () => {
    const tally = createTally();
    expect(tally.isCounted).toBe(false);
    expect([...tally.entries()]).toEqual([]);
  });

  it('reads counts as they are when it is asked, of keys that come later too', () => {
    const tally = createTally();
    const keys: string[] = [' Query'];
    const counts: number[] = [];
    tally.begin(keys, counts);
    expect(tally.isCounted).toBe(true);
    expect([...tally.entries()]).toEqual([]);
    counts[0] = 1;
    counts[2] = 3;
    keys.push('things Thing', 'things.thing Thing');
    expect([...tally.entries()]).toEqual([
      [' Query', 1],
      ['things.thing Thing', 3],
    ]);
  });

  it('adds up the counts of one place', () => {
    const tally = createTally();
    tally.begin(['things.thing Thing', 'other Thing', 'things.thing Thing'], [2, 0, 5]);
    tally.begin(['things.thing Thing'], [1]);
    expect([...tally.entries()]).toEqual([['things.thing Thing', 8]]);
  });
});
