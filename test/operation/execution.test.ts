import fc from 'fast-check';
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLEnumType,
  GraphQLError,
  type GraphQLFieldResolver,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  OperationTypeNode,
  parse,
  type ResponsePath,
  responsePathAsArray,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema as shopSchema } from '../../schema/index.ts';
import { createExecutor } from '../../src/operation/execution.ts';
import { publicError } from '../../src/operation/public-error.ts';
import { busyMs } from '../kit/busy.ts';
import { operations } from '../kit/generate-operation.ts';

/** Both answers to the same, the executor's at its first and at its third use of the document. */
async function answersTo(args: ExecutionArgs) {
  const executor = createExecutor();
  const first = await executor(args);
  await executor(args);
  return {
    expected: comparable(await execute(args)),
    answers: [first, await executor(args)].map(comparable),
  };
}

async function expectEqualAnswers(args: ExecutionArgs): Promise<ExecutionResult> {
  const { expected, answers } = await answersTo(args);
  expect(answers).toEqual([expected, expected]);
  return expected;
}

/** As it is sent, with what the errors are made of; those that say what a resolver gave are masked for clients. */
function comparable({ data, errors }: ExecutionResult): ExecutionResult & { readonly text: string } {
  const described = errors?.map((error) => {
    const { error: shown, fault } = publicError(error, 'request-1');
    return { ...shown.toJSON(), class: error.constructor.name, fault: fault?.code };
  });
  return {
    ...(data === undefined ? {} : { data }),
    ...(described ? { errors: described.toSorted(byPath) as unknown as GraphQLError[] } : {}), // as: for toEqual alone
    text: JSON.stringify(data) ?? '',
  };
}

function byPath(left: object, right: object): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}

const Moment = new GraphQLScalarType<Date, string>({
  name: 'Moment',
  coerceInputValue: (value) => new Date(String(value)),
  coerceOutputValue: (value) => (value as Date).toISOString(), // as: resolvers give dates
});

const Colour = new GraphQLEnumType({
  name: 'Colour',
  values: { RED: { value: { rgb: 1 } }, GREEN: { value: 2 } },
});

const Range: GraphQLInputObjectType = new GraphQLInputObjectType({
  name: 'Range',
  fields: () => ({
    from: { type: GraphQLInt },
    to: { type: GraphQLInt, defaultValue: 7 },
    must: { type: new GraphQLNonNull(GraphQLInt), defaultValue: 3 },
    when: { type: Moment },
    colour: { type: Colour },
    below: { type: Range },
  }),
});

const Choice = new GraphQLInputObjectType({
  name: 'Choice',
  isOneOf: true,
  fields: { text: { type: GraphQLString }, range: { type: Range } },
});

const echoArguments = {
  text: { type: GraphQLString },
  count: { type: GraphQLInt, defaultValue: 5 },
  must: { type: new GraphQLNonNull(GraphQLInt), defaultValue: 1 },
  range: { type: Range },
  choice: { type: Choice },
  colour: { type: Colour },
  when: { type: Moment },
  list: { type: new GraphQLList(GraphQLInt) },
};

/** Writes arguments so that two of another kind are told apart. */
const echo: GraphQLFieldResolver<unknown, unknown> = (_source, args) =>
  JSON.stringify(Object.entries(args).toSorted(), (_key, value) =>
    value === undefined ? 'undefined' : value,
  ) + (args['when'] instanceof Date ? ' a date' : '');

const later = <Value>(value: Value) => new Promise<Value>((resolve) => setImmediate(resolve, value));
const laterNo = (message: string) =>
  new Promise<never>((_, reject) => setImmediate(reject, new Error(message)));

const Named = new GraphQLInterfaceType({
  name: 'Named',
  fields: { name: { type: GraphQLString } },
  resolveType: ({ kind }) => (kind === 'late' ? later('Cat') : kind),
});

const Thing: GraphQLObjectType = new GraphQLObjectType({
  name: 'Thing',
  fields: () => ({
    info: {
      type: GraphQLString,
      resolve: (_source, _args, _context, info) =>
        `${info.parentType}.${info.fieldName} ${info.fieldNodes.map(({ loc }) => loc?.start)} ${responsePathAsArray(info.path)} ${info.path.typename}`,
    },
    echo: { type: GraphQLString, args: echoArguments, resolve: echo },
    thing: { type: Thing, resolve: () => ({}) },
    thing_thing: { type: Thing, resolve: () => ({}) },
    must: { type: new GraphQLNonNull(Thing), resolve: () => null },
    mustLater: { type: new GraphQLNonNull(Thing), resolve: () => laterNo('too late') },
    fails: {
      type: GraphQLString,
      resolve: () => {
        throw new GraphQLError('coded', { extensions: { code: 'FORBIDDEN' } });
      },
    },
    // Resolved from the parent: a promise, a method, and a value.
    promised: { type: GraphQLString },
    method: { type: GraphQLString, args: { text: { type: GraphQLString } } },
    plain: { type: GraphQLString },
    strings: {
      type: new GraphQLList(GraphQLString),
      resolve: () => [
        laterNo('first'),
        'second',
        later(null),
        laterNo('fourth'),
        new Error('fifth'),
        later('last'),
      ],
    },
    strict: {
      type: new GraphQLList(new GraphQLNonNull(GraphQLString)),
      resolve: () => ['a', later('b'), laterNo('c')],
    },
    matrix: {
      type: new GraphQLList(new GraphQLList(GraphQLInt)),
      resolve: () => [[1, later(2)], null, 'no list', [laterNo('x')]],
    },
    stream: {
      type: new GraphQLList(GraphQLInt),
      resolve: async function* () {
        yield* [1, 2];
      },
    },
    streamed: {
      type: new GraphQLList(new GraphQLNonNull(Thing)),
      resolve: async function* () {
        yield { plain: 'one' };
        yield later(null);
      },
    },
    broken: {
      type: new GraphQLList(GraphQLInt),
      resolve: async function* () {
        yield 1;
        throw new Error('broken off');
      },
    },
    // biome-ignore lint/suspicious/noThenProperty: it calls amid the resolving of its siblings
    hasty: { type: GraphQLString, resolve: () => ({ then: (done: (value: string) => void) => done('now') }) },
    everything: {
      type: GraphQLString,
      resolve: (_source, _args, _context, info) => {
        const { fieldName, fieldNodes, returnType, parentType, path, operation, variableValues } = info;
        const { schema: served, fragments, rootValue, getAbortSignal, getAsyncHelpers } = info;
        return JSON.stringify([
          [fieldName, fieldNodes.length, String(returnType), String(parentType), path],
          [operation.operation, variableValues, served === schema, Object.keys(fragments), rootValue],
          [getAbortSignal()?.aborted, Object.keys(getAsyncHelpers())],
        ]);
      },
    },
    number: { type: GraphQLInt, resolve: () => 'no number' },
    nan: { type: GraphQLInt, resolve: () => Number.NaN },
    nothing: { type: Moment, resolve: () => ({ toISOString: () => null }) },
  }),
});

const Cat = new GraphQLObjectType({
  name: 'Cat',
  interfaces: [Named],
  isTypeOf: (value: { fake?: boolean; slow?: boolean }) =>
    value.fake || value.slow ? later(!value.fake) : true,
  fields: {
    name: { type: GraphQLString, resolve: () => 'Tom' },
    lives: { type: GraphQLInt, resolve: () => 9 },
  },
});
const Dog = new GraphQLObjectType({
  name: 'Dog',
  interfaces: [Named],
  fields: { name: { type: GraphQLString, resolve: () => later('Rex') } },
});
const Pet = new GraphQLUnionType({ name: 'Pet', types: [Cat, Dog], resolveType: ({ kind }) => kind });

const counted = { count: 0 };
const steps: string[] = [];

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      thing: {
        type: Thing,
        resolve: () => ({
          promised: later('kept'),
          method: ({ text }: { text: string }) => `called with ${text}`,
          plain: 'plain',
        }),
      },
      must: { type: new GraphQLNonNull(Thing), resolve: () => null },
      echo: { type: GraphQLString, args: echoArguments, resolve: echo },
      pets: {
        type: new GraphQLList(Pet),
        resolve: () => [{ kind: 'Cat' }, { kind: 'Dog' }, { kind: 'Cow' }, {}],
      },
      named: {
        type: new GraphQLList(Named),
        resolve: () => [
          { kind: 'late' },
          { kind: 'Dog' },
          { kind: 'Cat', fake: true },
          { kind: 'Cat', slow: true },
          { kind: 'late', slow: true },
          { kind: 'Thing' },
        ],
      },
      changes: {
        type: GraphQLString,
        args: echoArguments,
        resolve: (_source, args) => {
          args['list'].push(counted.count);
          args['text'] = 'changed';
          return 'changed';
        },
      },
    },
  }),
  mutation: new GraphQLObjectType({
    name: 'Mutation',
    fields: {
      step: {
        type: Thing,
        args: { name: { type: GraphQLString } },
        resolve: async (_source, { name }) => {
          steps.push(`${name} begins`);
          await later(null);
          steps.push(`${name} ends`);
          if (name === 'bad') throw new Error('bad step');
          return {};
        },
      },
      must: { type: new GraphQLNonNull(Thing), args: { name: { type: GraphQLString } }, resolve: () => null },
    },
  }),
});

const ask = (source: string, variableValues: Record<string, unknown> = {}, operationName?: string) => ({
  schema,
  document: parse(source),
  variableValues,
  ...(operationName === undefined ? {} : { operationName }),
});

describe('createExecutor() answers as graphql-js does', () => {
  it.each<readonly [string, string, Record<string, unknown>?]>([
    [
      'plain fields, aliases and fields that stand twice',
      '{ a: thing { info } thing { info plain } thing { info x: plain } }',
    ],
    ['properties that are promises and methods', '{ thing { promised method(text: "x") plain } }'],
    [
      'paths whose names look alike when joined',
      '{ thing_a: thing { thing { info } } a: thing { thing_thing { info } } }',
    ],
    [
      'names that mean something to JavaScript',
      '{ __proto__: thing { __proto__: info constructor: plain } toString: echo }',
    ],
    [
      'fragments, spread twice and within each other',
      '{ thing { ...a ...b thing { ...a } } } fragment a on Thing { info ...b } fragment b on Thing { plain info }',
    ],
    ['inline fragments without a type', '{ ... { thing { ... { info } } } }'],
    ['unions', '{ pets { __typename ... on Cat { lives } ... on Named { name } ... on Dog { name } } }'],
    [
      'interfaces, types that come late, and that are none',
      '{ named { __typename name ... on Cat { lives } } }',
    ],
    ['errors of resolvers', '{ thing { fails plain } }'],
    ['null for what may not be null', '{ thing { must { plain } plain } }'],
    ['null for what may not be null, later', '{ thing { thing { mustLater { plain } fails } plain } }'],
    ['null for the whole answer', '{ must { plain } thing { plain fails } }'],
    ['lists whose items fail at different times', '{ thing { strings } }'],
    ['lists whose items may not fail', '{ thing { strict plain } }'],
    ['lists of lists', '{ thing { matrix } }'],
    ['lists that come one by one', '{ thing { stream a: streamed { plain } broken plain } }'],
    ['values that come at once though they could come later', '{ thing { hasty plain other: hasty } }'],
    [
      'what a resolver is told of its field',
      'query q($n: Int = 3) { thing { things: thing { everything ...f } } echo(count: $n) } fragment f on Thing { everything }',
    ],
    ['numbers that are none', '{ thing { number nan } }'],
    [
      'introspection',
      '{ __schema { queryType { name fields { name args { defaultValue } } } } __type(name: "Cat") { name interfaces { name } } }',
    ],
    [
      'arguments of every kind',
      '{ echo(text: "a\\"b", count: 2, range: { from: 1, when: "2026-01-01", colour: RED, below: { must: 9 } }, choice: { text: "x" }, colour: GREEN, when: "2026-01-01", list: [1, 2]) }',
    ],
    ['a list of one without brackets, and null', '{ echo(list: 1, text: null, count: null) }'],
    ['defaults of arguments', '{ echo a: echo(range: {}) }'],
    [
      'variables',
      'query ($a: Int, $r: Range, $c: Choice, $l: [Int], $w: Moment, $k: Colour) { echo(count: $a, range: $r, choice: $c, list: $l, when: $w, colour: $k) }',
      { a: 1, r: { from: 2, colour: 'RED' }, c: { range: { to: 1 } }, l: 4, w: '2026-01-01', k: 'GREEN' },
    ],
    [
      'variables without a value',
      'query ($a: Int, $r: Range) { echo(count: $a, range: $r) b: echo(range: { from: $a, to: $a }, list: [$a, 1]) }',
    ],
    [
      'variables that are null',
      'query ($a: Int, $r: Range) { echo(count: $a, range: $r) b: echo(range: { from: $a, to: $a }, list: [$a, 1]) }',
      { a: null, r: null },
    ],
    [
      'defaults of variables',
      'query ($a: Int! = 4, $r: Range = { colour: RED, when: "2026-01-01" }, $w: Moment = "2026-01-02", $k: Colour = RED, $l: [Int!] = 3) { echo(count: $a, range: $r, when: $w, colour: $k, list: $l) }',
    ],
    [
      'a null where the argument may be none',
      'query ($a: Int = 4) { echo(must: $a) thing { plain } }',
      { a: null },
    ],
    [
      'a null deep in an argument that may be none',
      'query ($a: Int = 4) { echo(range: { must: $a }) thing { plain } }',
      { a: null },
    ],
    ['@oneOf with none and with two, in a variable', 'query ($c: Choice!) { echo(choice: $c) }', { c: {} }],
    [
      '@oneOf with two, in a variable',
      'query ($c: Choice!) { echo(choice: $c) }',
      { c: { text: 'a', range: {} } },
    ],
    ['@oneOf with null, in a variable', 'query ($c: Choice!) { echo(choice: $c) }', { c: { text: null } }],
    [
      'variables of the wrong type',
      'query ($a: Int!, $k: Colour, $r: Range) { echo(count: $a, colour: $k, range: $r) }',
      { a: 'x', k: 'BLUE', r: { nope: 1 } },
    ],
    ['a variable that is missing', 'query ($a: Int!) { echo(count: $a) }'],
    [
      'a variable named as JavaScript has it',
      'query ($__proto__: Int, $constructor: Int) { echo(count: $__proto__) b: echo(count: $constructor) }',
    ],
    [
      'conditions that are constant',
      '{ thing { plain @skip(if: true) info @include(if: false) promised @skip(if: false) @include(if: true) } }',
    ],
    ['conditions that leave nothing', '{ thing { plain @skip(if: true) } }'],
    [
      'conditions on fragments',
      'query ($c: Boolean!) { thing { ...a @include(if: $c) ... on Thing @skip(if: $c) { plain } } } fragment a on Thing { info }',
      { c: true },
    ],
    [
      'the same fragment with two conditions',
      'query ($c: Boolean!) { thing { ...a @include(if: $c) ...a @skip(if: $c) a: thing { ...a @skip(if: $c) } } } fragment a on Thing { info }',
      { c: false },
    ],
    [
      'the same field with two conditions',
      'query ($c: Boolean!) { thing @include(if: $c) { info } thing @skip(if: $c) { plain } }',
      { c: true },
    ],
    [
      'a condition that is null',
      'query ($c: Boolean = true) { thing @include(if: $c) { plain } }',
      { c: null },
    ],
    [
      'a condition that is null, below',
      'query ($c: Boolean = true) { thing { plain @skip(if: $c) } echo }',
      { c: null },
    ],
    ['a condition that is text', 'query ($c: Boolean!) { thing @include(if: $c) { plain } }', { c: 'true' }],
  ])('to %s', async (...[, source, variables]) => {
    const args = ask(source as string, variables as Record<string, unknown>); // as: of the table above
    expect(validate(schema, args.document)).toEqual([]);
    await expectEqualAnswers(args);
  });

  it('to each of several operations, and to a name that is none of them', async () => {
    const document = parse(
      'query a { thing { plain } } query b($c: Int) { echo(count: $c) } mutation m { step { plain } }',
    );
    const executor = createExecutor();
    for (const operationName of ['a', 'b', 'm', 'x', undefined, 'a', 'b']) {
      const args = { schema, document, variableValues: { c: 2 }, ...(operationName && { operationName }) };
      expect(comparable(await executor(args))).toEqual(comparable(await execute(args)));
    }
  });

  it('to one document with other conditions and variables each time', async () => {
    const document = parse(
      'query ($a: Boolean!, $b: Boolean = false, $n: Int) { echo(count: $n) thing @include(if: $a) { info plain @skip(if: $b) } }',
    );
    const executor = createExecutor();
    const flags = [true, false, 'true', null, undefined, 1];
    for (let round = 0; round < 3; round += 1) {
      for (const a of flags) {
        for (const b of flags) {
          const args = { schema, document, variableValues: { a, b, n: round } };
          expect(comparable(await executor(args))).toEqual(comparable(await execute(args)));
        }
      }
    }
  });

  it('to one document more conditions than are kept', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const document = parse(
      `query (${names.map((name) => `$${name}: Boolean!`)}) { thing { ${names.map((name) => `${name}: plain @include(if: $${name})`)} } }`,
    );
    const executor = createExecutor();
    for (let bits = 0; bits < 64; bits += 1) {
      const variableValues = Object.fromEntries(
        names.map((name, index) => [name, (bits & (1 << index)) > 0]),
      );
      const args = { schema, document, variableValues };
      expect(comparable(await executor(args))).toEqual(comparable(await execute(args)));
    }
  });

  it('to the same document under another schema', async () => {
    const document = parse('{ thing { plain } }');
    const executor = createExecutor();
    const other = new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: { thing: { type: Thing, resolve: () => ({ plain: 'another' }) } },
      }),
    });
    for (const served of [schema, other, schema]) {
      const args = { schema: served, document };
      expect(comparable(await executor(args))).toEqual(comparable(await execute(args)));
    }
  });

  it('to 1,000 random operations of the shop, whose resolvers give anything at any time', async () => {
    const wild = withWildResolvers(shopSchema);
    const kinds = [OperationTypeNode.QUERY, OperationTypeNode.MUTATION];
    const options = { sources: shopSources, maxObjects: 60, shape: { directive: 0.15, fragmentSpread: 3 } };
    let failed = 0;
    for (const kind of kinds) {
      const sample = fc.sample(operations(shopSchema, { ...options, kind }), { seed: 11, numRuns: 500 });
      for (const { document, operationName, variables } of sample) {
        const args = {
          schema: wild,
          document: parse(document),
          variableValues: { ...variables },
          ...(operationName === undefined ? {} : { operationName }),
        };
        const { errors } = await expectEqualAnswers(args);
        failed += errors ? 1 : 0;
      }
    }
    expect(failed).toBeGreaterThan(100);
    expect(failed).toBeLessThan(950);
  }, 120_000);
});

describe('createExecutor()', () => {
  it('reads fields that have no resolver with the one that it is given', async () => {
    const fieldResolver: GraphQLFieldResolver<unknown, unknown> = (_source, _args, _context, { path }) =>
      `by ${path.key}`;
    const args = { ...ask('{ thing { a: plain b: promised method } }'), fieldResolver };
    expect((await expectEqualAnswers(args)).data).toEqual({
      thing: { a: 'by a', b: 'by b', method: 'by method' },
    });
  });

  it('runs the fields of a mutation one after another, and goes on after one that failed', async () => {
    const source =
      'mutation { a: step(name: "a") { plain } b: step(name: "bad") { plain } c: step(name: "c") { info } }';
    const executor = createExecutor();
    for (let use = 0; use < 3; use += 1) {
      steps.length = 0;
      const { data, errors } = await executor(ask(source));
      expect(data).toMatchObject({ a: { plain: null }, b: null, c: {} });
      expect(errors).toHaveLength(1);
      expect(steps).toEqual(['a begins', 'a ends', 'bad begins', 'bad ends', 'c begins', 'c ends']);
    }
  });

  it('begins nothing after a field of a mutation that may not be null and is', async () => {
    const source = 'mutation { a: step(name: "a") { plain } must { plain } c: step(name: "c") { plain } }';
    steps.length = 0;
    expect(await createExecutor()(ask(source))).toMatchObject({ data: null, errors: [{ path: ['must'] }] });
    expect(steps).toEqual(['a begins', 'a ends']);
  });

  it('gives each object arguments of its own, and never those of an earlier request', async () => {
    const source = 'query ($l: [Int]) { a: changes(list: $l, text: "x") b: changes(list: [1], text: "y") }';
    const executor = createExecutor();
    const document = parse(source);
    for (let use = 0; use < 2; use += 1) {
      expect(await executor({ schema, document, variableValues: { l: [1] } })).toEqual({
        data: { a: 'changed', b: 'changed' },
      });
    }
    const echoed = '{ a: echo(list: [1]) b: echo(list: [1]) }';
    await expectEqualAnswers(ask(echoed));
  });

  it.each([
    '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d0),x:globalThis.pwned=1,y:(0',
    '__MAGIC_NAN__57f286b9_4c20_487f_b409_79804ddcb4f8',
    `\`$\{globalThis.pwned=1}\``,
    '");globalThis.pwned=1;("',
  ])('never makes code of a client’s text: %s', async (text) => {
    await expectEqualAnswers(ask(`{ echo(text: ${JSON.stringify(text)}) }`));
    await expectEqualAnswers(ask('query ($t: String) { echo(text: $t) }', { t: text }));
    expect(Reflect.has(globalThis, 'pwned')).toBe(false);
  });

  it('costs nothing for fragments that double at each level where no data is', async () => {
    const levels = Array.from(
      { length: 40 },
      (_, level) =>
        `fragment f${level} on Thing { a: thing { ...f${level + 1} } b: thing { ...f${level + 1} } }`,
    );
    const source = `{ must { ...f0 } } ${levels.join(' ')} fragment f40 on Thing { plain }`;
    const startMs = performance.now();
    const executor = createExecutor();
    const args = ask(source);
    for (let use = 0; use < 3; use += 1) expect(await executor(args)).toMatchObject({ data: null });
    expect(performance.now() - startMs).toBeLessThan(2 * busyMs);
  });

  it('answers documents whose fields are more than it remembers', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `f${index}: thing { plain info }`);
    await expectEqualAnswers(ask(`{ thing { ${many.join(' ')} } }`));
  });

  it('resolves nothing more once its answer is complete', async () => {
    const resolved: string[] = [];
    const slow: GraphQLFieldResolver<unknown, unknown> = async (_source, _args, _context, { path }) => {
      await later(null);
      await later(null);
      resolved.push(String(path.key));
      return {};
    };
    const Slow: GraphQLObjectType = new GraphQLObjectType({
      name: 'Slow',
      fields: () => ({ slow: { type: Slow, resolve: slow }, plain: { type: GraphQLString } }),
    });
    const fields = {
      slow: { type: Slow, resolve: slow },
      must: { type: new GraphQLNonNull(Slow), resolve: () => later(null) },
    };
    const served = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) });
    const document = parse('{ a: slow { b: slow { c: slow { plain } } } must { plain } }');
    expect(await createExecutor()({ schema: served, document })).toMatchObject({ data: null });
    for (let turn = 0; turn < 10; turn += 1) await later(null);
    expect(resolved).toEqual(['a']);
  });

  it('lets no rejection go unnoticed when a field fails at once beside others that fail later', async () => {
    const seen: unknown[] = [];
    const notice = (reason: unknown) => seen.push(reason);
    process.on('unhandledRejection', notice);
    const source =
      '{ thing { strings a: mustLater { plain } b: mustLater { plain } must { plain } strict } must { plain } }';
    await createExecutor()(ask(source));
    await later(null);
    await later(null);
    process.off('unhandledRejection', notice);
    expect(seen).toEqual([]);
  });

  it('leaves to graphql-js what it cannot do', async () => {
    const controller = new AbortController();
    const args = { ...ask('{ thing { promised } }'), abortSignal: controller.signal };
    const answer = createExecutor()(args);
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow();
  });
});

const shopSources = {
  DateTime: () => '2026-01-01T00:00:00Z',
  BigInt: () => '9007199254740993',
  Decimal: () => '12.75',
  URL: () => 'https://example.com/',
};

/** The same types with resolvers of our own: what each gives, and when, follows from its place alone. */
function withWildResolvers(original: GraphQLSchema): GraphQLSchema {
  const { typeMap, ...rest } = { ...original.toConfig(), typeMap: original.getTypeMap() };
  const copy = new GraphQLSchema(rest);
  for (const type of Object.values(typeMap)) {
    if (isAbstractType(type)) {
      const possible = original.getPossibleTypes(type).map(({ name }) => name);
      type.resolveType = (value) => possible[Number((value as { seed: number }).seed) % possible.length]; // as: wildValue's
    }
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = (_source, args, _context, { path, returnType }) =>
        wild(hashOf(path, JSON.stringify(args, bigintText)), returnType);
    }
  }
  return copy;
}

/** One of: the value, the value later, null, an error thrown, rejected or given. */
function wild(seed: number, type: GraphQLOutputType): unknown {
  const lot = seed % 40;
  if (lot === 0) return null;
  if (lot === 1) throw new Error(`thrown ${seed}`);
  if (lot === 2) return noticed(laterNo(`rejected ${seed}`));
  if (lot === 3) return new Error(`given ${seed}`);
  if (lot === 4) return later(null);
  return lot < 15 ? later(wildValue(seed, type)) : wildValue(seed, type);
}

/** A rejection that may come before anybody waits for it: within a list that comes later. */
function noticed<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

function wildValue(seed: number, type: GraphQLOutputType): unknown {
  if (isNonNullType(type)) return wildValue(seed, type.ofType);
  if (isListType(type))
    return Array.from({ length: seed % 4 }, (_, index) => {
      const itemSeed = mix(seed, index);
      return itemSeed % 40 === 1 ? new Error(`item ${itemSeed}`) : wild(itemSeed, type.ofType);
    });
  if (isEnumType(type)) return type.getValues()[seed % type.getValues().length]?.value;
  if (isScalarType(type)) return scalarValues[type.name]?.(seed) ?? seed;
  return { seed };
}

const scalarValues: Readonly<Record<string, (seed: number) => unknown>> = {
  Boolean: (seed) => seed % 2 === 0,
  String: (seed) => `text ${seed}`,
  DateTime: (seed) => new Date(seed),
  BigInt: (seed) => BigInt(seed),
  Decimal: (seed) => ({ units: BigInt(seed), nanos: 0 }),
  URL: (seed) => `https://example.com/${seed}`,
  Int: (seed) => seed % 1000,
};

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function hashOf(path: ResponsePath, text: string): number {
  const all = `${responsePathAsArray(path).join('.')} ${text}`;
  return [...all].reduce((sum, letter) => mix(sum, letter.charCodeAt(0)), 7);
}

function mix(left: number, right: number): number {
  return (Math.imul(left ^ (right + 0x9e37), 0x85ebca6b) >>> 3) % 1_000_003;
}
