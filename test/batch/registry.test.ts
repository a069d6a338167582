import { describe, expect, it } from 'vitest';
import { type BatchAnomaly, defineLoader, type LoaderDefinition } from '../../src/batch/loader.ts';
import { createLoaderRegistry } from '../../src/batch/registry.ts';
import { WeirError } from '../../src/errors.ts';
import { createTimeline } from '../../src/observe/timeline.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

interface Row {
  readonly id: string;
  readonly by?: unknown;
}

interface Fetched {
  readonly loader: string;
  readonly keys: readonly string[];
  readonly args: unknown;
}

/** What the fetches of a test see: every call in order, and an answer that the test may change. */
interface TestContext {
  readonly fetched: Fetched[];
  answer: (keys: readonly string[]) => Promise<readonly Row[]>;
}

const rowsOf = async (keys: readonly string[]): Promise<readonly Row[]> => keys.map((id) => ({ id }));
const idOf = ({ id }: Row) => id;

function loaderOf(name: string, maxBatchSize = 100): LoaderDefinition<TestContext, string, Row> {
  return defineLoader({
    name,
    maxBatchSize,
    keyOf: idOf,
    fetch: (keys, args, context) => {
      context.fetched.push({ loader: name, keys: [...keys], args });
      return context.answer(keys);
    },
  });
}

const rows = loaderOf('rows');
const other = loaderOf('other');
const small = loaderOf('small', 3);
const priced = defineLoader<TestContext, string, Row, { readonly currency: string; readonly at?: bigint }>({
  name: 'priced',
  maxBatchSize: 100,
  keyOf: idOf,
  fetch: async (keys, args, context) => {
    context.fetched.push({ loader: 'priced', keys: [...keys], args });
    return keys.map((id) => ({ id, by: args }));
  },
});

function setUp() {
  const clock = createFakeClock();
  const timeline = createTimeline(clock);
  const context: TestContext = { fetched: [], answer: rowsOf };
  const anomalies: BatchAnomaly[] = [];
  const registry = createLoaderRegistry({
    context,
    timeline,
    clock,
    onAnomaly: (anomaly) => anomalies.push(anomaly),
  });
  return { clock, timeline, context, anomalies, registry };
}

describe('LoaderRegistry.load()', () => {
  it('makes one fetch when keys are loaded in one turn', async () => {
    const { registry, context } = setUp();
    const loaded = await Promise.all(['a', 'b', 'c'].map((key) => registry.load(rows, key)));
    expect(loaded.map((row) => row?.id)).toEqual(['a', 'b', 'c']);
    expect(context.fetched).toEqual([{ loader: 'rows', keys: ['a', 'b', 'c'], args: undefined }]);
  });

  it('makes one fetch when keys are loaded at different depths of promises of one turn', async () => {
    const { registry, context } = setUp();
    const deep = async (depth: number): Promise<Row | null> =>
      depth === 0 ? registry.load(rows, 'deep') : Promise.resolve().then(() => deep(depth - 1));
    await Promise.all([registry.load(rows, 'a'), deep(20)]);
    expect(context.fetched.map(({ keys }) => keys)).toEqual([['a', 'deep']]);
  });

  it('gives null without a fetch when the key is null or undefined', async () => {
    const { registry, context, timeline } = setUp();
    expect(await registry.load(rows, null)).toBeNull();
    expect(await registry.load(rows, undefined)).toBeNull();
    expect(context.fetched).toEqual([]);
    expect(timeline.batches).toEqual([]);
  });

  it('loads falsy keys when they are not null', async () => {
    const { registry, context } = setUp();
    expect(await registry.load(rows, '')).toEqual({ id: '' });
    expect(context.fetched).toHaveLength(1);
  });

  it('asks once for a key and counts the duplicates when it is loaded again in one turn', async () => {
    const { registry, context, timeline } = setUp();
    const [first, second, third] = await Promise.all(['a', 'a', 'a'].map((key) => registry.load(rows, key)));
    expect(second).toBe(first);
    expect(third).toBe(first);
    expect(context.fetched.map(({ keys }) => keys)).toEqual([['a']]);
    expect(timeline.batches).toMatchObject([{ keys: 1, duplicates: 2 }]);
  });

  it('counts duplicates of one batch only when there are several batches', async () => {
    const { registry, timeline } = setUp();
    await Promise.all(['a', 'a', 'b'].map((key) => registry.load(rows, key)));
    await Promise.all(['a', 'c', 'c', 'd'].map((key) => registry.load(rows, key)));
    await registry.load(rows, 'e');
    expect(timeline.batches).toMatchObject([
      { keys: 2, duplicates: 1 },
      { keys: 2, duplicates: 2 },
      { keys: 1, duplicates: 0 },
    ]);
  });

  it('asks once for a key when it is loaded again in a later turn', async () => {
    const { registry, context } = setUp();
    const first = await registry.load(rows, 'a');
    expect(await registry.load(rows, 'a')).toBe(first);
    expect(context.fetched).toHaveLength(1);
  });

  it('remembers that a row is missing when the key is loaded again', async () => {
    const { registry, context } = setUp();
    context.answer = async () => [];
    expect(await registry.load(rows, 'a')).toBeNull();
    expect(await registry.load(rows, 'a')).toBeNull();
    expect(context.fetched).toHaveLength(1);
  });

  it('111: asks again when another operation loads the same key', async () => {
    const [one, two] = [setUp(), setUp()];
    await Promise.all([one.registry.load(rows, 'a'), two.registry.load(rows, 'a')]);
    expect([one.context.fetched.length, two.context.fetched.length]).toEqual([1, 1]);
  });

  it('keeps definitions apart when they load the same key', async () => {
    const { registry, context } = setUp();
    await Promise.all([registry.load(rows, 'a'), registry.load(other, 'a')]);
    expect(context.fetched.map(({ loader }) => loader)).toEqual(['rows', 'other']);
  });

  it('keeps definitions apart when they have the same name', async () => {
    const { registry, context } = setUp();
    await Promise.all([registry.load(rows, 'a'), registry.load(loaderOf('rows'), 'a')]);
    expect(context.fetched).toHaveLength(2);
  });

  it('shows no foreign row and tells of it when the upstream answers shuffled, short, doubled and wrong', async () => {
    const { registry, context, anomalies, timeline } = setUp();
    context.answer = async () => [
      { id: 'x' },
      { id: 'c' },
      { id: 'a', by: 1 },
      { id: 'a', by: 2 },
      { id: 'y' },
    ];
    const loaded = await Promise.all(['a', 'b', 'c'].map((key) => registry.load(rows, key)));
    expect(loaded).toEqual([{ id: 'a', by: 1 }, null, { id: 'c' }]);
    expect(anomalies).toEqual([{ loader: 'rows', missing: 1, foreign: 2, repeated: 1 }]);
    expect(timeline.batches).toMatchObject([{ missing: 1, foreign: 2, repeated: 1 }]);
    expect(await registry.load(rows, 'x')).toEqual({ id: 'x' });
    expect(context.fetched[1]?.keys).toEqual(['x']);
  });

  it('is silent when rows are only missing', async () => {
    const { registry, context, anomalies } = setUp();
    context.answer = async () => [];
    await registry.load(rows, 'a');
    expect(anomalies).toEqual([]);
  });

  it('records each batch with its duration when time passes during the fetch', async () => {
    const { registry, context, timeline, clock } = setUp();
    context.answer = async (keys) => {
      clock.advance(12);
      return rowsOf(keys);
    };
    await Promise.all(['a', 'b', 'a'].map((key) => registry.load(rows, key)));
    expect(timeline.batches).toEqual([
      {
        loader: 'rows',
        keys: 2,
        duplicates: 1,
        calls: 1,
        durationMs: 12,
        missing: 0,
        foreign: 0,
        repeated: 0,
        atMs: 12,
      },
    ]);
  });
});

describe('LoaderRegistry.load() with arguments', () => {
  it('shares a batch when the arguments are equal in another order and another object', async () => {
    const { registry, context } = setUp();
    await Promise.all([
      registry.load(priced, 'a', { currency: 'EUR', at: 1n }),
      registry.load(priced, 'b', { at: 1n, currency: 'EUR' }),
    ]);
    expect(context.fetched).toEqual([
      { loader: 'priced', keys: ['a', 'b'], args: { currency: 'EUR', at: 1n } },
    ]);
  });

  it('fetches apart when the arguments differ', async () => {
    const { registry } = setUp();
    const loaded = await Promise.all([
      registry.load(priced, 'a', { currency: 'EUR' }),
      registry.load(priced, 'a', { currency: 'USD' }),
      registry.load(priced, 'a', { currency: 'EUR', at: 1n }),
    ]);
    expect(loaded.map((row) => row?.by)).toEqual([
      { currency: 'EUR' },
      { currency: 'USD' },
      { currency: 'EUR', at: 1n },
    ]);
  });

  it('rejects when an argument is not plain data', async () => {
    const { registry } = setUp();
    const dated = defineLoader<TestContext, string, Row, { readonly at: Date }>({
      name: 'dated',
      maxBatchSize: 1,
      keyOf: idOf,
      fetch: rowsOf,
    });
    await expect(registry.load(dated, 'a', { at: new Date(0) })).rejects.toThrow('got a Date');
  });
});

describe('LoaderRegistry.load() above maxBatchSize', () => {
  it.each([
    [2, [2]],
    [3, [3]],
    [4, [3, 1]],
    [9, [3, 3, 3]],
  ])('spreads %d keys over chunks of %j when a batch holds 3', async (count, sizes) => {
    const { registry, context, timeline } = setUp();
    const keys = Array.from({ length: count }, (_, index) => `k${index}`);
    const loaded = await Promise.all(keys.map((key) => registry.load(small, key)));
    expect(loaded.map((row) => row?.id)).toEqual(keys);
    expect(context.fetched.map((call) => call.keys.length)).toEqual(sizes);
    expect(timeline.batches).toMatchObject([{ keys: count, calls: sizes.length }]);
  });

  it('starts all chunks before any has answered', async () => {
    const { registry, context } = setUp();
    const gate = Promise.withResolvers<void>();
    context.answer = async (keys) => {
      if (context.fetched.length === 3) gate.resolve();
      await gate.promise;
      return rowsOf(keys);
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => registry.load(small, key)));
    expect(context.fetched).toHaveLength(3);
  });

  it('makes one batch of the next level when the chunks of this level answer at different times', async () => {
    const { registry, context, timeline } = setUp();
    context.answer = async (keys) => {
      if (keys.includes('a')) await new Promise(setImmediate);
      return rowsOf(keys);
    };
    await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(async (key) => {
        const parent = await registry.load(small, key);
        return registry.load(rows, `child of ${parent?.id}`);
      }),
    );
    expect(timeline.batches).toMatchObject([
      { loader: 'small', keys: 5, calls: 2 },
      { loader: 'rows', keys: 5, calls: 1 },
    ]);
  });

  it('fails only the keys of the chunk when a chunk fails', async () => {
    const { registry, context } = setUp();
    const fault = new WeirError('UPSTREAM_UNAVAILABLE');
    context.answer = async (keys) => {
      if (keys.includes('b')) throw fault;
      return rowsOf(keys);
    };
    const settled = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => registry.load(small, key)));
    expect(settled).toEqual([
      { status: 'rejected', reason: fault },
      { status: 'rejected', reason: fault },
      { status: 'rejected', reason: fault },
      { status: 'fulfilled', value: { id: 'd' } },
    ]);
  });
});

describe('LoaderRegistry.load() when a fetch fails', () => {
  it('asks again for the failed key only', async () => {
    const { registry, context } = setUp();
    context.answer = (keys) => (keys.includes('a') ? Promise.reject(new Error('once')) : rowsOf(keys));
    await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => registry.load(small, key)));
    context.answer = rowsOf;
    expect(await registry.load(small, 'a')).toEqual({ id: 'a' });
    expect(await registry.load(small, 'd')).toEqual({ id: 'd' });
    expect(context.fetched.map(({ keys }) => keys)).toEqual([['a', 'b', 'c'], ['d'], ['a']]);
  });

  it('rejects every waiter of a key', async () => {
    const { registry, context } = setUp();
    context.answer = () => Promise.reject(new Error('down'));
    const settled = await Promise.allSettled([registry.load(rows, 'a'), registry.load(rows, 'a')]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(context.fetched).toHaveLength(1);
  });

  it('rejects with an Error when fetch throws at once or throws something else', async () => {
    const { registry, context } = setUp();
    context.answer = () => {
      throw new RangeError('at once');
    };
    await expect(registry.load(rows, 'a')).rejects.toThrow(new RangeError('at once'));
    context.answer = () => Promise.reject('text');
    await expect(registry.load(rows, 'a')).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      cause: 'text',
    });
  });

  it('rejects when keyOf throws on a row', async () => {
    const { registry } = setUp();
    const broken = defineLoader<TestContext, string, Row>({
      name: 'broken',
      maxBatchSize: 10,
      fetch: rowsOf,
      keyOf: () => {
        throw new TypeError('no key');
      },
    });
    await expect(registry.load(broken, 'a')).rejects.toThrow('no key');
  });

  it('records the batch', async () => {
    const { registry, context, timeline } = setUp();
    context.answer = () => Promise.reject(new Error('down'));
    await registry.loadMany(rows, ['a', 'b']);
    expect(timeline.batches).toMatchObject([{ loader: 'rows', keys: 2, calls: 1, missing: 0 }]);
  });
});

describe('LoaderRegistry.loadMany()', () => {
  it('gives rows, nulls and errors in the order of its keys', async () => {
    const { registry, context } = setUp();
    const fault = new Error('down');
    context.answer = async (keys) => {
      if (keys.includes('a')) throw fault;
      return rowsOf(keys.filter((key) => key !== 'e'));
    };
    const loaded = await registry.loadMany(small, ['a', null, 'b', 'c', 'd', undefined, 'e', 'd']);
    expect(loaded).toEqual([fault, null, fault, fault, { id: 'd' }, null, null, { id: 'd' }]);
    expect(context.fetched.map(({ keys }) => keys)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('shares the batch when load() is called in the same turn', async () => {
    const { registry, context } = setUp();
    await Promise.all([registry.loadMany(rows, ['a', 'b']), registry.load(rows, 'c')]);
    expect(context.fetched.map(({ keys }) => keys)).toEqual([['a', 'b', 'c']]);
  });

  it('passes its arguments on', async () => {
    const { registry } = setUp();
    expect(await registry.loadMany(priced, ['a'], { currency: 'EUR' })).toEqual([
      { id: 'a', by: { currency: 'EUR' } },
    ]);
  });

  it('gives an empty list without a fetch when there are no keys', async () => {
    const { registry, context } = setUp();
    expect(await registry.loadMany(rows, [])).toEqual([]);
    expect(context.fetched).toEqual([]);
  });
});

describe('LoaderRegistry.forget()', () => {
  it('lets later loads of every loader ask again, with arguments too', async () => {
    const { registry, context } = setUp();
    const loadAll = () =>
      Promise.all([
        registry.load(rows, 'a'),
        registry.load(other, 'a'),
        registry.load(priced, 'a', { currency: 'EUR' }),
        registry.loadMany(small, ['a', 'b']),
      ]);
    await loadAll();
    await loadAll();
    expect(context.fetched).toHaveLength(4);
    registry.forget();
    await loadAll();
    expect(context.fetched.map(({ loader }) => loader)).toEqual([
      ...['rows', 'other', 'priced', 'small'],
      ...['rows', 'other', 'priced', 'small'],
    ]);
  });

  it('gives what is then, for a row that was there and for one that was not', async () => {
    const { registry, context } = setUp();
    context.answer = async () => [{ id: 'a', by: 'before' }];
    expect(await registry.loadMany(rows, ['a', 'b'])).toEqual([{ id: 'a', by: 'before' }, null]);
    context.answer = async () => [{ id: 'b', by: 'after' }];
    registry.forget();
    expect(await registry.loadMany(rows, ['a', 'b'])).toEqual([null, { id: 'b', by: 'after' }]);
  });

  it('leaves loads that wait for their batch or their fetch to end as they began', async () => {
    const { registry, context } = setUp();
    const fetching = Promise.withResolvers<readonly Row[]>();
    const arrived = Promise.withResolvers<void>();
    context.answer = () => {
      arrived.resolve();
      return fetching.promise;
    };
    const first = registry.load(rows, 'a');
    registry.forget();
    await arrived.promise;
    context.answer = async () => [{ id: 'a', by: 'after' }];
    registry.forget();
    expect(await registry.load(rows, 'a')).toEqual({ id: 'a', by: 'after' });
    fetching.resolve([{ id: 'a', by: 'before' }]);
    expect(await first).toEqual({ id: 'a', by: 'before' });
    // What was under way does not come back in place of what is newer.
    expect(await registry.load(rows, 'a')).toEqual({ id: 'a', by: 'after' });
    expect(context.fetched).toHaveLength(2);
  });

  it('opens nothing that is closed, and does nothing where nothing was loaded', async () => {
    const { registry, context } = setUp();
    registry.forget();
    registry.forget();
    registry.dispose();
    registry.forget();
    await expect(registry.load(rows, 'a')).rejects.toThrow('after its operation ended');
    expect(context.fetched).toEqual([]);
  });
});

describe('LoaderRegistry.dispose()', () => {
  const closed = 'Loader "rows" was used after its operation ended';

  it('109: rejects every later load, even of a null key', async () => {
    const { registry, context } = setUp();
    await registry.load(rows, 'a');
    registry.dispose();
    registry.dispose();
    await expect(registry.load(rows, 'a')).rejects.toThrow(closed);
    await expect(registry.load(rows, null)).rejects.toThrow(closed);
    await expect(registry.loadMany(rows, ['a'])).rejects.toThrow(closed);
    expect(context.fetched).toHaveLength(1);
  });

  it('109: rejects without a fetch when the keys were waiting for their batch', async () => {
    const { registry, context } = setUp();
    const waiting = registry.load(rows, 'a');
    registry.dispose();
    await expect(waiting).rejects.toThrow(closed);
    expect(context.fetched).toEqual([]);
  });

  it('109: is masked for clients', async () => {
    const { registry } = setUp();
    registry.dispose();
    const thrown: unknown = await registry.load(rows, 'a').catch((error: unknown) => error);
    expect(WeirError.from(thrown)).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'Something went wrong on our side.',
    });
  });
});
