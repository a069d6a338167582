import {
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { projectSchema } from '../../../src/guard/visibility/project-schema.ts';
import { type Builder, build } from '../../pothos/tiny-builder.ts';

const web = { variants: ['web'] };

/** A schema in which much is for one variant alone. */
function define(builder: Builder) {
  const Colour = builder.enumType('Colour', {
    values: { RED: { value: 1 }, INFRARED: { value: 2, ...web }, BLUE: { value: 3 } },
  });
  const Thing = builder.interfaceRef<{ id: string; kind: string }>('Thing').implement({
    fields: (t) => ({ id: t.exposeString('id'), stamp: t.int({ ...web, resolve: () => 1 }) }),
    resolveType: ({ kind }) => kind,
  });
  const Common = builder.objectRef<{ id: string; kind: string }>('Common').implement({
    interfaces: [Thing],
    fields: (t) => ({ colour: t.field({ type: Colour, nullable: true, resolve: () => 1 as const }) }),
  });
  const Secret = builder.objectRef<{ id: string; kind: string }>('Secret').implement({
    ...web,
    interfaces: [Thing],
    fields: (t) => ({ part: t.field({ type: Part, resolve: () => ({}) }) }),
  });
  const Part = builder.objectRef<object>('SecretPart').implement({
    fields: (t) => ({ size: t.int({ resolve: () => 1 }) }),
  });
  const Either = builder.unionType('Either', {
    types: [Common, Secret],
    resolveType: ({ kind }) => kind as 'Common',
  });
  const Filter = builder.inputType('Filter', {
    fields: (t) => ({ text: t.string(), margin: t.int(web), colour: t.field({ type: Colour }) }),
  });
  const rows = [
    { id: 'a', kind: 'Common' },
    { id: 'b', kind: 'Secret' },
    { id: 'c', kind: 'Common' },
  ];
  const listSize = { assumedSize: 3 };
  builder.queryFields((t) => ({
    thing: t.field({
      type: Thing,
      nullable: true,
      args: { id: t.arg.string() },
      resolve: (_root, { id }) => rows.find((row) => row.id === id) ?? null,
    }),
    either: t.field({
      type: Either,
      nullable: true,
      resolve: () => Promise.resolve(rows[1] ?? null),
    }),
    things: t.field({
      type: [Thing],
      nullable: { list: false, items: false },
      listSize,
      resolve: () => rows,
    }),
    later: t.field({
      type: [Thing],
      nullable: { list: false, items: false },
      listSize,
      // as: a list of promises, as loaders give it
      resolve: () => rows.map((row) => Promise.resolve(row)) as unknown as typeof rows,
    }),
    holes: t.field({
      type: [Either],
      nullable: { list: false, items: true },
      listSize,
      resolve: () => rows,
    }),
    colours: t.field({
      type: [Colour],
      nullable: { list: false, items: false },
      listSize,
      resolve: () => [1, 2, 3] as const,
    }),
    colour: t.field({ type: Colour, nullable: true, resolve: () => 2 as const }),
    secret: t.field({ ...web, type: Secret, nullable: true, resolve: () => rows[1] ?? null }),
    echo: t.string({
      nullable: true,
      args: {
        text: t.arg.string(),
        times: t.arg.int({ ...web, defaultValue: 2 }),
        filter: t.arg({ type: Filter }),
      },
      resolve: (_root, { text, times }) => text?.repeat(times ?? 0) ?? null,
    }),
  }));
  builder.mutationType({
    ...web,
    fields: (t) => ({ purge: t.boolean({ nullable: true, resolve: () => true }) }),
  });
}

const whole = build(define);

function viewOf(schema: GraphQLSchema, variant: string): GraphQLSchema {
  const view = projectSchema(schema, variant);
  if (view.ok) return view.schema;
  throw new Error(view.faults.join('\n'));
}

function faultsOf(define_: (builder: Builder) => void, variant = 'mobile'): readonly string[] {
  const view = projectSchema(build(define_), variant);
  return view.ok ? [] : view.faults;
}

const mobile = viewOf(whole, 'mobile');

function ask(schema: GraphQLSchema, query: string): ExecutionResult {
  return execute({ schema, document: parse(query) }) as ExecutionResult; // as: awaited by its caller
}

describe('projectSchema()', () => {
  it('shows a variant what is not for others, and nothing that nothing leads to any more', () => {
    expect(printSchema(lexicographicSortSchema(mobile))).toBe(
      `
enum Colour {
  BLUE
  RED
}

type Common implements Thing {
  colour: Colour
  id: String
}

union Either = Common

input Filter {
  colour: Colour
  text: String
}

type Query {
  colour: Colour
  colours: [Colour!]!
  echo(filter: Filter, text: String): String
  either: Either
  holes: [Either]!
  later: [Thing!]!
  ready: Boolean
  thing(id: String): Thing
  things: [Thing!]!
}

interface Thing {
  id: String
}`.trim(),
    );
  });

  it('leaves a schema as it is for whom nothing is hidden, and the same one where nothing is tagged', () => {
    const all = viewOf(whole, 'web');
    expect(printSchema(all)).toBe(printSchema(whole));
    const plain = build(() => {});
    expect(viewOf(plain, 'web')).toBe(plain);
  });

  it('tells nothing of what is hidden to introspection', async () => {
    const text = JSON.stringify(await ask(mobile, getIntrospectionQuery()));
    for (const name of ['Secret', 'SecretPart', 'INFRARED', 'margin', 'times', 'stamp', 'secret', 'Mutation'])
      expect(text).not.toContain(`"${name}"`);
    expect(await ask(mobile, '{ __type(name: "Secret") { name } }')).toEqual({ data: { __type: null } });
    expect(await ask(mobile, '{ __type(name: "Thing") { possibleTypes { name } } }')).toEqual({
      data: { __type: { possibleTypes: [{ name: 'Common' }] } },
    });
  });

  it.each([
    ['a field', '{ secrex { __typename } }', 'secret', 'secrex'],
    ['an argument', '{ echo(timex: 1) }', 'times', 'timex'],
    ['a type condition', '{ thing { ... on Secrex { id } } }', 'Secret', 'Secrex'],
    ['an enum value', '{ echo(filter: { colour: INFRAREX }) }', 'INFRARED', 'INFRAREX'],
    ['an input field', '{ echo(filter: { margix: 1 }) }', 'margin', 'margix'],
  ])('says the same of %s that is hidden as of one that there never was', (_, query, hidden, never) => {
    const errorsOf = (text: string) =>
      validate(mobile, parse(text), undefined, { hideSuggestions: true }).map(({ message }) => message);
    const told = errorsOf(query.replaceAll(never, hidden));
    expect(told).not.toEqual([]);
    expect(told.map((message) => message.replaceAll(hidden, never))).toEqual(errorsOf(query));
  });

  it('gives null for a hidden row or value, and leaves it out of a list that has no nulls', async () => {
    const query = `{ common: thing(id: "a") { __typename id } secret: thing(id: "b") { __typename id }
      either { __typename } things { id } later { id } holes { __typename } colours colour }`;
    expect(await ask(mobile, query)).toEqual({
      data: {
        common: { __typename: 'Common', id: 'a' },
        secret: null,
        either: null,
        things: [{ id: 'a' }, { id: 'c' }],
        later: [{ id: 'a' }, { id: 'c' }],
        holes: [{ __typename: 'Common' }, null, { __typename: 'Common' }],
        colours: ['RED', 'BLUE'],
        colour: null,
      },
    });
    expect((await ask(viewOf(whole, 'web'), query)).data).toMatchObject({
      secret: { __typename: 'Secret' },
      colours: ['RED', 'INFRARED', 'BLUE'],
      colour: 'INFRARED',
    });
  });

  it('gives a resolver the defaults of arguments that are hidden', async () => {
    expect(await ask(mobile, '{ echo(text: "ab") }')).toEqual({ data: { echo: 'abab' } });
  });

  it('still fails where a list without nulls has one', async () => {
    const schema = build((builder) => {
      define(builder);
      builder.queryField('broken', (t) =>
        t.field({
          type: ['Thing' as never],
          nullable: { list: true, items: false },
          listSize: { assumedSize: 1 },
          resolve: () => [null] as never,
        }),
      );
    });
    const { errors } = await ask(viewOf(schema, 'mobile'), '{ broken { id } }');
    expect(errors).toHaveLength(1);
  });
});

describe('projectSchema() finds', () => {
  const web = { variants: ['web'] };

  it('a type that is hidden while what leads to it is shown', () => {
    const faults = faultsOf((builder) => {
      const Hidden = builder.objectRef<object>('Hidden').implement({
        ...web,
        fields: (t) => ({ a: t.int({ resolve: () => 1 }) }),
      });
      const Input = builder.inputType('HiddenInput', { ...web, fields: (t) => ({ a: t.int() }) });
      builder.queryFields((t) => ({
        one: t.field({ type: Hidden, nullable: true, resolve: () => ({}) }),
        two: t.int({ args: { in: t.arg({ type: Input }) }, resolve: () => 1 }),
      }));
    });
    expect(faults).toEqual([
      'Query.one is shown, and its type Hidden is hidden',
      'Query.two(in:) is shown, and its type HiddenInput is hidden',
    ]);
  });

  it('what must be given, and can no more', () => {
    const faults = faultsOf((builder) => {
      const Input = builder.inputType('In', {
        fields: (t) => ({
          a: t.int({ ...web, required: true }),
          b: t.int({ ...web, defaultValue: 3 }),
          c: t.int(web),
        }),
      });
      builder.queryField('q', (t) =>
        t.int({
          args: { in: t.arg({ type: Input }), must: t.arg.int({ ...web, required: true }) },
          resolve: () => 1,
        }),
      );
    });
    expect(faults.toSorted()).toEqual([
      'In.a is hidden, and must be given: let it be left out',
      'In.b is hidden, and its default with it: let its resolver assume the default',
      'Query.q(must:) is hidden, and must be given: let it be left out, or hide its field',
    ]);
  });

  it('a value that may be hidden where null may not stand', () => {
    const faults = faultsOf((builder) => {
      const Colour = builder.enumType('Colour', { values: { RED: {}, INFRARED: web } });
      const Input = builder.inputType('In', {
        fields: (t) => ({ colour: t.field({ type: Colour, defaultValue: 'INFRARED' }) }),
      });
      builder.queryFields((t) => ({
        sure: t.field({ type: Colour, nullable: false, resolve: () => 'RED' as const }),
        q: t.int({ args: { in: t.arg({ type: Input }) }, resolve: () => 1 }),
      }));
    });
    expect(faults).toEqual([
      'Query.sure can give what is hidden, and may not be null: let it be null, or hide it',
      'In.colour is shown, and its default is hidden',
    ]);
  });

  it('an argument that is hidden and says how long a list is', () => {
    const faults = faultsOf((builder) => {
      builder.queryField('list', (t) =>
        t.field({
          type: ['Int'],
          args: { first: t.arg.int(web) },
          listSize: {
            slicingArguments: ['first'],
            maximum: 5,
            requireOneSlicingArgument: false,
            assumedSize: 3,
          },
          resolve: () => [],
        }),
      );
    });
    expect(faults).toEqual([
      'Query.list(first:) is hidden, and says how long the list is: show it, or hide the field',
    ]);
  });

  it('a type that has nothing left', () => {
    const faults = faultsOf((builder) => {
      const Empty = builder.objectRef<object>('Empty').implement({
        fields: (t) => ({ a: t.int({ ...web, resolve: () => 1 }) }),
      });
      builder.queryField('empty', (t) => t.field({ type: Empty, nullable: true, resolve: () => ({}) }));
    });
    expect(faults).toEqual(['Type Empty must define one or more fields.']);
  });

  it('an interface whose field an object hides', () => {
    const faults = faultsOf((builder) => {
      const Face = builder
        .interfaceRef<{ a: number }>('Face')
        .implement({ fields: (t) => ({ a: t.exposeInt('a') }) });
      const Body = builder.objectRef<{ a: number }>('Body').implement({
        interfaces: [Face],
        fields: (t) => ({ a: t.exposeInt('a', web), b: t.exposeInt('a') }),
      });
      builder.queryField('body', (t) => t.field({ type: Body, nullable: true, resolve: () => ({ a: 1 }) }));
    });
    expect(faults).toEqual(['Interface field Face.a expected but Body does not provide it.']);
  });

  it.each([
    ['Use `margin` instead.', ['margin']],
    ['Goes before someOther, as SOME_VALUE does.', ['someOther', 'SOME_VALUE']],
    ['The margin of the page.', []],
    ['As `shown` says.', []],
  ])('names that a description tells: %s', (description, names) => {
    const faults = faultsOf((builder) => {
      const Kind = builder.enumType('Kind', { ...web, values: ['SOME_VALUE'] as const });
      builder.queryFields((t) => ({
        margin: t.int({ ...web, resolve: () => 1 }),
        someOther: t.field({ ...web, type: Kind, resolve: () => 'SOME_VALUE' as const }),
        shown: t.int({ description, resolve: () => 1 }),
      }));
    });
    expect(faults).toEqual(
      names.map((name) => `Query.shown is shown, and its description tells of "${name}", which is hidden`),
    );
  });

  it('a reason of deprecation that tells a name', () => {
    const faults = faultsOf((builder) => {
      const deprecated = { reason: 'Use `margin`.', since: '2026-11-23', removal: '2027-06-01' };
      builder.queryFields((t) => ({
        margin: t.int({ ...web, resolve: () => 1 }),
        shown: t.int({ deprecated, resolve: () => 1 }),
      }));
    });
    expect(faults).toEqual(['Query.shown is shown, and its description tells of "margin", which is hidden']);
  });
});

describe('the option `variants`', () => {
  it.each([[[]], ['web'], [[1]], [['']]])('refuses %j', (variants) => {
    const wrong = { variants } as unknown as { variants: string[] };
    const make = () =>
      build((builder) => void builder.queryField('q', (t) => t.int({ ...wrong, resolve: () => 1 })));
    expect(make).toThrow('Query.q: expected "variants" to be names of variants, at least one.');
  });
});
