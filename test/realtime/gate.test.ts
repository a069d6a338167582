import { describe, expect, it } from 'vitest';
import { createGate } from '../../src/realtime/gate.ts';

const forever = new AbortController().signal;

describe('createGate()', () => {
  it('runs as many at once as its width, the others in order', async () => {
    const gate = createGate(2);
    const started: number[] = [];
    const ends = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
    const runs = ends.map(({ promise }, index) =>
      gate.run(async () => {
        started.push(index);
        await promise;
        return index;
      }, forever),
    );
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    ends[1]?.resolve();
    await runs[1];
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual([0, 1, 2]);
    for (const { resolve } of ends) resolve();
    expect(await Promise.all(runs)).toEqual([0, 1, 2, 3]);
  });

  it('gives the place of work that fails, or of one that gave up waiting, to the next', async () => {
    const gate = createGate(1);
    const leaving = new AbortController();
    const end = Promise.withResolvers<void>();
    const failing = gate.run(() => end.promise, forever);
    const gone = gate.run(async () => 'gone', leaving.signal);
    const next = gate.run(async () => 'next', forever);
    leaving.abort(new Error('Left.'));
    await expect(gone).rejects.toThrow('Left.');
    end.reject(new Error('Failed.'));
    await expect(failing).rejects.toThrow('Failed.');
    expect(await next).toBe('next');
    await expect(gate.run(async () => 'late', leaving.signal)).rejects.toThrow('Left.');
    expect(await gate.run(async () => 'free', forever)).toBe('free');
  });
});
