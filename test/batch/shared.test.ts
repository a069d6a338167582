import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { defineLoader } from '../../src/batch/loader.ts';
import { createSharedBatches, isShared, type JoinContexts } from '../../src/batch/shared.ts';

interface Row {
  readonly id: string;
}

interface Fetched {
  readonly context: string;
  readonly keys: readonly string[];
  readonly args: unknown;
}

function setUp(maxBatchSize = 100) {
  const fetched: Fetched[] = [];
  const heirs: string[] = [];
  const signals: AbortSignal[] = [];
  const test = {
    answer: async (keys: readonly string[]): Promise<readonly Row[]> => keys.map((id) => ({ id })),
  };
  const rows = defineLoader<string, string, Row, readonly string[] | undefined>({
    name: 'rows',
    maxBatchSize,
    upstream: 'library',
    sharing: 'viewer',
    keyOf: ({ id }) => id,
    fetch: (keys, args, context) => {
      fetched.push({ context, keys: [...keys], args });
      return test.answer(keys);
    },
  });
  if (!isShared(rows)) throw new Error('expected a shared definition');
  const join: JoinContexts<string> = (contexts, sharing, signal) => {
    signals.push(signal);
    return { context: `${sharing}:${contexts.join('+')}`, end: (heir) => heirs.push(heir) };
  };
  const { fetch } = createSharedBatches(join);
  const operation = (context: string, audienceKey = 'one') => {
    const gone = new AbortController();
    const ask = (keys: readonly string[], args?: readonly string[]) =>
      fetch(rows, args, keys, { context, signal: gone.signal, audienceKey });
    return { ask, leave: () => gone.abort(new Error(`${context} left`)), signal: gone.signal };
  };
  return { fetched, heirs, signals, test, operation };
}

const idsOf = ({ rows }: { readonly rows: readonly (Row | null)[] }) => rows.map((row) => row?.id ?? null);

describe('createSharedBatches()', () => {
  it('asks once for the keys of operations of one turn, and gives each its own rows in its own order', async () => {
    const { fetched, heirs, operation } = setUp();
    const answers = await Promise.all([
      operation('a').ask(['1', '2']),
      operation('b').ask(['3', '2', '1']),
      operation('c').ask(['4']),
    ]);
    expect(answers.map(idsOf)).toEqual([['1', '2'], ['3', '2', '1'], ['4']]);
    expect(fetched).toEqual([{ context: 'viewer:a+b+c', keys: ['1', '2', '3', '4'], args: undefined }]);
    expect(heirs).toEqual(['a']);
  });

  it('111: leaves an operation its own context and call when nobody shares them', async () => {
    const { fetched, heirs, operation } = setUp();
    const alone = operation('a');
    expect(idsOf(await alone.ask(['1']))).toEqual(['1']);
    expect(fetched).toEqual([{ context: 'a', keys: ['1'], args: undefined }]);
    expect(heirs).toEqual([]);
    expect(getEventListeners(alone.signal, 'abort')).toHaveLength(0);
  });

  it('111: keeps audiences, arguments and turns apart', async () => {
    const { fetched, operation } = setUp();
    await Promise.all([
      operation('a', 'one').ask(['1']),
      operation('b', 'two').ask(['1']),
      operation('c', 'one').ask(['1'], ['title']),
      operation('d', 'one').ask(['1'], ['title']),
    ]);
    await operation('e', 'one').ask(['1']);
    expect(fetched.map(({ context }) => context).sort()).toEqual(['a', 'b', 'e', 'viewer:c+d']);
  });

  it.each([
    [2, 3, 1],
    [3, 3, 1],
    [4, 3, 2],
  ])('fills a batch up to its bound: %i keys of one each, bound %i', async (operations, bound, calls) => {
    const { fetched, operation } = setUp(bound);
    await Promise.all(Array.from({ length: operations }, (_, index) => operation('o').ask([`${index}`])));
    expect(fetched).toHaveLength(calls);
    for (const { keys } of fetched) expect(keys.length).toBeLessThanOrEqual(bound);
  });

  it('shows nobody a row that nobody asked for, and tells one operation of it', async () => {
    const { test, operation } = setUp();
    test.answer = async () => [{ id: '9' }, { id: '2' }, { id: '2' }];
    const [a, b] = await Promise.all([operation('a').ask(['1', '2']), operation('b').ask(['2'])]);
    expect(a).toEqual({ rows: [null, { id: '2' }], missing: 1, foreign: 1, repeated: 1 });
    expect(b).toEqual({ rows: [{ id: '2' }], missing: 0, foreign: 0, repeated: 0 });
  });

  it('fails only the operation that leaves, before the call and during it', async () => {
    const { fetched, signals, test, operation } = setUp();
    const answer = Promise.withResolvers<readonly Row[]>();
    test.answer = () => answer.promise;
    const [early, late, staying] = [operation('early'), operation('late'), operation('staying')];
    const lost = [early.ask(['1']), late.ask(['2'])].map((asked) =>
      asked.catch((error: Error) => error.message),
    );
    const kept = Promise.all([staying.ask(['3']), operation('other').ask(['3'])]);
    early.leave();
    await nextTurn();
    await nextTurn();
    expect(fetched.map(({ keys }) => keys)).toEqual([['2', '3']]);
    late.leave();
    expect(await Promise.all(lost)).toEqual(['early left', 'late left']);
    answer.resolve([{ id: '3' }]);
    expect((await kept).map(idsOf)).toEqual([['3'], ['3']]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    expect(getEventListeners(staying.signal, 'abort')).toHaveLength(0);
  });

  it('ends the fetch when the last one leaves, who inherits what was recorded', async () => {
    const { heirs, signals, test, operation } = setUp();
    test.answer = () =>
      new Promise((_, reject) => {
        signals[0]?.addEventListener('abort', () => reject(new Error('cancelled')), { once: true });
      });
    const [a, b] = [operation('a'), operation('b')];
    const asked = [a.ask(['1']), b.ask(['2'])].map((one) => one.catch((error: Error) => error.message));
    await nextTurn();
    await nextTurn();
    a.leave();
    expect(signals[0]?.aborted).toBe(false);
    b.leave();
    expect(await Promise.all(asked)).toEqual(['a left', 'cancelled']);
    expect(heirs).toEqual(['b']);
  });

  it('makes no call when all leave before it', async () => {
    const { fetched, operation } = setUp();
    const a = operation('a');
    const asked = a.ask(['1']).catch((error: Error) => error.message);
    a.leave();
    expect(await asked).toBe('a left');
    await nextTurn();
    await nextTurn();
    expect(fetched).toEqual([]);
  });

  it('tells every operation of a failure', async () => {
    const { test, operation } = setUp();
    test.answer = () => Promise.reject(new Error('down'));
    const asked = [operation('a').ask(['1']), operation('b').ask(['1'])];
    const failures = await Promise.all(asked.map((one) => one.catch((error: Error) => error.message)));
    expect(failures).toEqual(['down', 'down']);
  });
});
