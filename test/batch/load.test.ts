import { describe, expect, it } from 'vitest';
import { Load, type LoadListener } from '../../src/batch/load.ts';

/** Writes down what it is told. */
function createListener(): LoadListener<string> & { readonly told: unknown[] } {
  const told: unknown[] = [];
  return { told, fulfilled: (row) => told.push(row), rejected: (error) => told.push(error) };
}

const broken = new Error('broken');

describe('Load', () => {
  it('tells every listener once, in their order, at once when the batch is there', () => {
    const load = new Load<string>();
    const listeners = [createListener(), createListener(), createListener()];
    for (const listener of listeners) load.listen(listener);
    expect(listeners.map(({ told }) => told)).toEqual([[], [], []]);
    load.fulfilled('row');
    expect(listeners.map(({ told }) => told)).toEqual([['row'], ['row'], ['row']]);
  });

  it('tells who listens later in a later turn, never at once', async () => {
    const load = new Load<string>();
    load.rejected(broken);
    const listener = createListener();
    load.listen(listener);
    expect(listener.told).toEqual([]);
    await null;
    expect(listener.told).toEqual([broken]);
  });

  it('is a promise: awaited before and after, chained, caught and finally left', async () => {
    const load = new Load<string>();
    const before = [load.then((row) => `then ${row}`), load.finally(() => {}), Promise.all([load])];
    load.fulfilled('row');
    expect(await Promise.all(before)).toEqual(['then row', 'row', ['row']]);
    expect(await load).toBe('row');
    expect(String(load)).toBe('[object Load]');
  });

  it('is a promise: of an error too', async () => {
    const load = new Load<string>();
    const caught = load.catch((reason) => reason);
    load.rejected(broken);
    expect(await caught).toBe(broken);
    await expect(load).rejects.toBe(broken);
    await expect(load.finally(() => {})).rejects.toBe(broken);
  });

  it('lets nobody hear of an error that nobody waits for', async () => {
    const seen: unknown[] = [];
    const notice = (reason: unknown) => seen.push(reason);
    process.on('unhandledRejection', notice);
    new Load<string>().rejected(broken);
    await new Promise(setImmediate);
    process.off('unhandledRejection', notice);
    expect(seen).toEqual([]);
  });
});
