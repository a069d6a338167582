import { describe, expect, it } from 'vitest';
import { createCollector, type FetchBatch } from '../../src/batch/collector.ts';

/** Answers each batch when it is told to. */
function createSource() {
  const batches: { readonly keys: readonly string[]; readonly answer: () => void }[] = [];
  const fetchBatch: FetchBatch<string, string> = (keys) => {
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    batches.push({ keys: [...keys], answer: () => resolve(keys.map((key) => `row ${key}`)) });
    return promise;
  };
  return { batches, fetchBatch };
}

const turn = () => new Promise(setImmediate);

describe('createCollector()', () => {
  it('asks once for the keys of a turn, however deep in promises they are loaded', async () => {
    const { batches, fetchBatch } = createSource();
    const { load } = createCollector(fetchBatch);
    load('a');
    void Promise.resolve().then(() => Promise.resolve().then(() => load('b')));
    load('a');
    await turn();
    expect(batches.map(({ keys }) => keys)).toEqual([['a', 'b']]);
  });

  it('gives loads of one key in one turn the same promise', () => {
    const { load } = createCollector(createSource().fetchBatch);
    expect(load('a')).toBe(load('a'));
  });

  it('gives a row that was loaded before together with the batch of its turn', async () => {
    const { batches, fetchBatch } = createSource();
    const { load } = createCollector(fetchBatch);
    const order: string[] = [];
    void load('a').then((row) => order.push(`first ${row}`));
    await turn();
    batches[0]?.answer();
    await turn();
    void load('a').then((row) => order.push(`again ${row}`));
    void load('b').then((row) => order.push(row));
    await turn();
    expect(order).toEqual(['first row a']);
    batches[1]?.answer();
    await turn();
    expect(batches.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    expect(order.toSorted()).toEqual(['again row a', 'first row a', 'row b']);
  });

  it('gives a row that is still under way when both batches are there', async () => {
    const { batches, fetchBatch } = createSource();
    const { load } = createCollector(fetchBatch);
    load('a');
    await turn();
    const again = load('a');
    load('b');
    await turn();
    batches[1]?.answer();
    await turn();
    batches[0]?.answer();
    expect(await again).toBe('row a');
  });

  it('asks nothing for a turn whose keys are all known', async () => {
    const { batches, fetchBatch } = createSource();
    const { load } = createCollector(fetchBatch);
    load('a');
    await turn();
    batches[0]?.answer();
    expect(await load('a')).toBe('row a');
    expect(batches).toHaveLength(1);
  });

  it('rejects every load of a batch that fails, and asks again', async () => {
    let calls = 0;
    const { load } = createCollector<string, string>(async (keys) => {
      calls += 1;
      if (calls === 1) throw new Error('down');
      return keys;
    });
    const outcomes = await Promise.allSettled([load('a'), load('b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await load('a')).toBe('a');
  });

  it('rejects the load whose row is an error, and asks again for one that is forgotten', async () => {
    const asked: (readonly string[])[] = [];
    const { load, forget } = createCollector<string, string>(async (keys) => {
      asked.push([...keys]);
      return keys.map((key) => (key === 'bad' ? new Error('bad') : key));
    });
    await expect(load('bad')).rejects.toThrow('bad');
    await expect(load('bad')).rejects.toThrow('bad');
    forget('bad');
    await expect(load('bad')).rejects.toThrow('bad');
    expect(asked).toEqual([['bad'], ['bad']]);
  });
});
