import { EventEmitter, once } from 'node:events';
import { type ExecutionResult, execute, type GraphQLSchema, parse, subscribe } from 'graphql';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/index.ts';
import { createExecutor } from '../../src/operation/execution.ts';
import type { Overflow } from '../../src/pothos/options.ts';
import { type Builder, build } from './tiny-builder.ts';

const pages = { defaultSize: 3, maxSize: 5 };

/** The same answer from both executors that the gateway runs operations with. */
async function run(
  schema: GraphQLSchema,
  document: string,
  contextValue: object = { pages },
): Promise<ExecutionResult> {
  const args = { schema, document: parse(document), contextValue };
  const [planned, plain] = [await createExecutor()(args), await execute(args)];
  expect(JSON.stringify(planned)).toBe(JSON.stringify(plain));
  return planned;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

async function* streamOf(count: number, closed: () => void = () => {}) {
  try {
    yield* numbers(count);
  } finally {
    closed();
  }
}

/** How a resolver may give a list of so many items. */
const forms: readonly (readonly [string, (count: number) => unknown])[] = [
  ['an array', numbers],
  ['a promise of an array', async (count) => numbers(count)],
  ['promises', (count) => numbers(count).map(async (item) => item)],
  ['a set', (count) => new Set(numbers(count))],
  ['a promise of a set', async (count) => new Set(numbers(count))],
  ['a stream', (count) => streamOf(count)],
  ['a promise of a stream', async (count) => streamOf(count)],
];

function listSchema(make: () => unknown, overflow?: Overflow): GraphQLSchema {
  return build((builder) => {
    builder.queryField('all', (t) =>
      t.intList({
        listSize: { assumedSize: 3 },
        ...(overflow && { overflow }),
        resolve: () => make() as number[], // as: all that GraphQL takes for a list
      }),
    );
  });
}

describe('a list resolver', () => {
  describe.each(forms)('that gives %s', (_form, make) => {
    it.each([0, 2, 3])('gives what it has when that is %d of 3 items', async (count) => {
      for (const overflow of ['error', 'cut'] as const) {
        expect(
          await run(
            listSchema(() => make(count), overflow),
            '{ all }',
          ),
        ).toEqual({
          data: { all: numbers(count) },
        });
      }
    });

    it.each([4, 100])(
      'is an error with a private cause when it gives %d where 3 were declared',
      async (count) => {
        const { data, errors } = await run(
          listSchema(() => make(count)),
          '{ all }',
        );
        expect(data).toEqual({ all: null });
        const [error] = errors ?? [];
        expect(error?.originalError).toBeInstanceOf(WeirError);
        expect(error?.originalError).toMatchObject({
          code: 'INTERNAL_SERVER_ERROR',
          message: 'Something went wrong on our side.',
          cause: {
            message: expect.stringMatching(/^Query.all gave \d.* items and its "listSize" says at most 3/),
          },
        });
      },
    );

    it('is cut when its field says so', async () => {
      expect(
        await run(
          listSchema(() => make(4), 'cut'),
          '{ all }',
        ),
      ).toEqual({ data: { all: [1, 2, 3] } });
    });
  });

  it.each(['error', 'cut'] as const)('closes a stream that is too long (%s)', async (overflow) => {
    let closed = 0;
    const schema = listSchema(() => streamOf(100, () => (closed += 1)), overflow);
    await execute({ schema, document: parse('{ all }') });
    expect(closed).toBe(1);
  });

  it.each(['error', 'cut'] as const)('leaves no rejection of what is left out (%s)', async (overflow) => {
    const failing = () => numbers(5).map(async () => Promise.reject(new Error('gone')));
    for (const form of [failing, () => new Set(failing())]) {
      // An unhandled rejection fails the run.
      await execute({ schema: listSchema(form, overflow), document: parse('{ all }') });
    }
    await new Promise((resolve) => setImmediate(resolve));
  });

  it("may give null, fail, or give what is no list: that is not the bound's affair", async () => {
    const failing = () => {
      throw new Error('failed');
    };
    for (const make of [() => null, () => undefined, () => Promise.resolve(null)])
      expect(await run(listSchema(make), '{ all }')).toEqual({ data: { all: null } });
    for (const make of [failing, async () => failing()])
      expect((await run(listSchema(make), '{ all }')).errors?.[0]?.message).toBe('failed');
    for (const make of [() => 'text', () => 1, () => ({})])
      expect((await run(listSchema(make), '{ all }')).errors?.[0]?.message).toContain('Expected Iterable');
  });
});

describe('a list that is as long as an argument says', () => {
  const calls: unknown[] = [];
  const schema = build((builder) => {
    builder.queryFields((t) => ({
      some: t.intList({
        args: { first: t.arg.int(), more: t.arg.int() },
        listSize: {
          slicingArguments: ['first', 'more'],
          requireOneSlicingArgument: false,
          assumedSize: 2,
          maximum: 4,
        },
        resolve: (_root, args) => {
          calls.push(args);
          return numbers(4);
        },
      }),
      each: t.stringList({
        args: { ids: t.arg.idList({ required: true }) },
        listSize: { slicingArguments: ['ids'], maximum: 3 },
        resolve: (_root, { ids }) => ids.map(String),
      }),
      one: t.intList({
        args: { a: t.arg.int(), b: t.arg.int() },
        listSize: { slicingArguments: ['a', 'b'], maximum: 3 },
        resolve: () => [1],
      }),
    }));
  });

  it.each([
    ['some(first: 4)', true],
    ['some(first: 3)', false],
    ['some(first: 1, more: 4)', true],
    ['some(first: null, more: 3)', false],
    ['some', false],
    ['some(first: null)', false],
  ])('%s may have 4 items: %s', async (field, isHeld) => {
    const { errors } = await run(schema, `{ ${field} }`);
    expect(errors === undefined).toBe(isHeld);
  });

  it.each([
    [
      'some(first: -1)',
      'Argument "first": expected a whole number from 0 to 4, got -1. Ask for fewer, or leave it out.',
    ],
    [
      'some(first: 5)',
      'Argument "first": expected a whole number from 0 to 4, got 5. Ask for fewer, or leave it out.',
    ],
    [
      'some(first: 1, more: 2147483647)',
      'Argument "more": expected a whole number from 0 to 4, got 2147483647. Ask for fewer, or leave it out.',
    ],
  ])('refuses %s before anything is resolved', async (field, message) => {
    calls.length = 0;
    const { errors } = await run(schema, `{ ${field} }`);
    expect(errors?.[0]?.originalError).toMatchObject({ code: 'PAGE_SIZE', message });
    expect(calls).toEqual([]);
  });

  it('counts the items of a list', async () => {
    expect(await run(schema, '{ each(ids: []) all: each(ids: [1, 2, 3]) }')).toEqual({
      data: { each: [], all: ['1', '2', '3'] },
    });
    const { errors } = await run(schema, '{ each(ids: [1, 2, 3, 4]) }');
    expect(errors?.[0]?.originalError).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: 'Argument "ids": expected at most 3 items, got 4. Ask for them in several operations.',
      extensions: { argument: 'ids', maximum: 3 },
    });
  });

  it.each([
    ['one', 0],
    ['one(a: null)', 0],
    ['one(a: 1, b: 1)', 2],
  ])('refuses %s where exactly one is required', async (field, given) => {
    const { errors } = await run(schema, `{ ${field} }`);
    expect(errors?.[0]?.originalError).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: `Query.one: expected exactly one of the arguments "a", "b", got ${given}.`,
    });
  });

  it('lets one pass where exactly one is required', async () => {
    expect(await run(schema, '{ one(b: 1) }')).toEqual({ data: { one: [1] } });
  });
});

describe('a connection', () => {
  it.each([
    ['page', 3, true],
    ['page', 4, false],
    ['page(first: 5)', 5, true],
    ['page(last: 4)', 5, false],
    ['page(first: 0)', 0, true],
    ['page(first: 0)', 1, false],
    ['own', 2, true],
    ['own', 3, false],
    ['own(first: 7)', 7, true],
  ])('%s may have %d edges: %s', async (field, count, isHeld) => {
    const { schema } = pageSchema(count);
    const { errors } = await run(schema, `{ ${field} { edges { cursor } } }`);
    expect(errors === undefined).toBe(isHeld);
    if (!isHeld)
      expect(errors?.[0]?.originalError).toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
        cause: { message: expect.stringContaining(`.${field.split('(')[0]} gave ${count} items`) },
      });
  });

  it.each([
    ['page(first: -1)', 5],
    ['page(first: 6)', 5],
    ['page(last: 6)', 5],
    ['own(first: 8)', 7],
  ])('refuses %s before it is resolved', async (field, maximum) => {
    const { schema, resolved } = pageSchema(1);
    const { errors } = await run(schema, `{ ${field} { edges { cursor } } }`);
    expect(errors?.[0]?.originalError).toMatchObject({ code: 'PAGE_SIZE', extensions: { maximum } });
    expect(resolved()).toBe(0);
  });

  it('is held to the larger bound when one object is given at several places', async () => {
    const smaller = 'a: page(first: 3) { edges { cursor } } c: page(first: 2) { edges { cursor } }';
    const { errors } = await run(pageSchema(4).schema, `{ ${smaller} }`);
    expect(errors?.map(({ path }) => path)).toEqual([
      ['a', 'edges'],
      ['c', 'edges'],
    ]);
    const withLarger = `{ ${smaller} b: page(first: 4) { edges { cursor } } }`;
    expect((await run(pageSchema(4).schema, withLarger)).errors).toBeUndefined();
  });

  it('cuts its edges when it says so', async () => {
    const { schema } = pageSchema(4, 'cut');
    expect(await run(schema, '{ page(first: 1) { edges { cursor } } }')).toEqual({
      data: { page: { edges: [{ cursor: '1' }] } },
    });
  });

  it('is not held without the page sizes of an operation, for it has none of its own then', async () => {
    const errorsOf = async (field: string) =>
      (await run(pageSchema(50).schema, `{ ${field} { edges { cursor } } }`, {})).errors;
    expect(await errorsOf('page')).toBeUndefined();
    expect(await errorsOf('own')).toHaveLength(1);
  });
});

describe('a list of an interface', () => {
  it('is held in each type that takes it over', async () => {
    const schema = build((builder) => {
      const Named = builder.interfaceRef<{ names: string[] }>('Named').implement({
        fields: (t) => ({ names: t.exposeStringList('names', { listSize: { assumedSize: 1 } }) }),
      });
      const One = builder
        .objectRef<{ names: string[] }>('One')
        .implement({ interfaces: [Named], isTypeOf: () => true });
      builder.queryFields((t) => ({
        one: t.field({ type: One, resolve: () => ({ names: ['a', 'b'] }) }),
        named: t.field({ type: Named, resolve: () => ({ names: ['a', 'b'] }) }),
      }));
    });
    const { errors } = await run(schema, '{ one { names } named { names } }');
    expect(errors?.map(({ originalError }) => originalError?.cause)).toMatchObject([
      { message: expect.stringContaining('One.names gave 2 items and its "listSize" says at most 1') },
      { message: expect.stringContaining('One.names gave 2 items and its "listSize" says at most 1') },
    ]);
  });
});

describe('a subscription to lists', () => {
  it('is refused before its stream is opened, and each event is held', async () => {
    let opened = 0;
    const source = new EventEmitter();
    const schema = build((builder) => {
      builder.subscriptionType({
        fields: (t) => ({
          batches: t.intList({
            args: { size: t.arg.int({ required: true }) },
            listSize: { slicingArguments: ['size'], maximum: 3 },
            subscribe: async function* () {
              opened += 1;
              yield* [[1, 2], [1, 2, 3], []];
              source.emit('end');
            },
            resolve: (batch: number[]) => batch,
          }),
        }),
      });
    });
    const open = (size: number) =>
      subscribe({ schema, document: parse(`subscription { batches(size: ${size}) }`), contextValue: {} });
    expect(await open(4)).toMatchObject({ errors: [{ originalError: { code: 'PAGE_SIZE' } }] });
    expect(opened).toBe(0);
    const ended = once(source, 'end');
    const events = await open(2);
    if (!(Symbol.asyncIterator in events)) throw new Error('expected a stream of events');
    const answers = await Array.fromAsync(events);
    await ended;
    expect(answers.map(({ data }) => data)).toEqual([
      { batches: [1, 2] },
      { batches: null },
      { batches: [] },
    ]);
  });
});

/** Connections that both give the same object, with so many edges. */
function pageSchema(count: number, overflow: Overflow = 'error') {
  let resolved = 0;
  const page = {
    edges: numbers(count).map((number) => ({ cursor: String(number), node: number })),
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  };
  const resolve = async () => {
    resolved += 1;
    return page;
  };
  const schema = build((builder: Builder) => {
    builder.queryFields((t) => ({
      page: t.connection({ type: 'Int', overflow, resolve }),
      own: t.connection({ type: 'Int', pageSize: { default: 2, maximum: 7 }, resolve }),
    }));
  });
  return { schema, resolved: () => resolved };
}
