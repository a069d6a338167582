import { buildSchema, type GraphQLSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createTally } from '../../src/guard/cost/tally.ts';
import { createExecutor, type Execute } from '../../src/operation/execution.ts';

const schema = buildSchema(`
  interface Named { name: String }
  type Cat implements Named { name: String friend: Named strict: [Cat!] }
  type Dog implements Named { name: String friend: Named owner: Person must: Person! }
  type Person { name: String pets: [Named] }
  type Query { person: Person pets: [Named] matrix: [[Named]] nobody: Person broken: Person }
  type Mutation { adopt(name: String): Person }
`);

const cat = { __typename: 'Cat', name: 'Tom' };
const dog = { __typename: 'Dog', name: 'Rex', owner: { name: 'Ann' } };
const later = <Value>(value: Value) => new Promise<Value>((resolve) => setImmediate(resolve, value));

const rootValue = {
  person: () => later({ name: 'Ann', pets: [cat, later(dog), null, cat, new Error('gone')] }),
  pets: [
    { ...cat, friend: dog },
    { ...dog, friend: later(cat) },
    { ...dog, friend: null },
  ],
  matrix: [[cat, dog], null, later([dog])],
  nobody: null,
  broken: () => Promise.reject(new Error('broken')),
  adopt: ({ name }: { name: string }) => later({ name, pets: [cat] }),
};

async function countsOf(source: string, execute: Execute = createExecutor(), served: GraphQLSchema = schema) {
  const tally = createTally();
  await execute({ schema: served, document: parse(source), rootValue }, tally);
  expect(tally.isCounted).toBe(true);
  return Object.fromEntries(tally.entries());
}

describe('createExecutor() counts the objects of an answer', () => {
  it('by the path of response names and the concrete type', async () => {
    expect(await countsOf('{ a: person { name pets { name } } person { name } }')).toEqual({
      ' Query': 1,
      'a Person': 1,
      'a.pets Cat': 2,
      'a.pets Dog': 1,
      'person Person': 1,
    });
  });

  it('together where what is above them is of several types', async () => {
    expect(
      await countsOf('{ pets { name ... on Cat { friend { name } } ... on Dog { friend { name } } } }'),
    ).toEqual({
      ' Query': 1,
      'pets Cat': 1,
      'pets Dog': 2,
      'pets.friend Cat': 1,
      'pets.friend Dog': 1,
    });
  });

  it('in lists of lists, without the nulls', async () => {
    expect(await countsOf('{ matrix { name } }')).toEqual({ ' Query': 1, 'matrix Cat': 1, 'matrix Dog': 2 });
  });

  it('and none where null stands', async () => {
    expect(await countsOf('{ nobody { name } broken { name } }')).toEqual({ ' Query': 1 });
  });

  it('also those that an error took away again: they were loaded', async () => {
    expect(await countsOf('{ pets { ... on Dog { owner { name } must { name } } } }')).toEqual({
      ' Query': 1,
      'pets Cat': 1,
      'pets Dog': 2,
      'pets.owner Person': 2,
    });
  });

  it('of a mutation', async () => {
    expect(await countsOf('mutation { a: adopt { pets { name } } b: adopt { name } }')).toEqual({
      ' Mutation': 1,
      'a Person': 1,
      'a.pets Cat': 1,
      'b Person': 1,
    });
  });

  it('anew for each use of a plan, also where two use it at once', async () => {
    const executor = createExecutor();
    const document = parse('query ($skip: Boolean!) { person { pets @skip(if: $skip) { name } } }');
    const tallies = [true, false, false].map((skip) => {
      const tally = createTally();
      return { tally, answer: executor({ schema, document, rootValue, variableValues: { skip } }, tally) };
    });
    await Promise.all(tallies.map(({ answer }) => answer));
    const pets = { 'person.pets Cat': 2, 'person.pets Dog': 1 };
    const always = { ' Query': 1, 'person Person': 1 };
    expect(tallies.map(({ tally }) => Object.fromEntries(tally.entries()))).toEqual([
      always,
      { ...always, ...pets },
      { ...always, ...pets },
    ]);
  });

  it('in documents whose fields are more than plans remember', async () => {
    const many = Array.from({ length: 600 }, (_, index) => `f${index}: pets { name }`);
    const executor = createExecutor();
    const source = `{ ${many.join(' ')} }`;
    const first = await countsOf(source, executor);
    expect(Object.keys(first)).toHaveLength(1201);
    expect(first).toMatchObject({ ' Query': 1, 'f599 Cat': 1, 'f599 Dog': 2 });
    expect(await countsOf(source, executor)).toEqual(first);
  });

  it('but not where graphql-js executes, nor what is not executed at all', async () => {
    const tally = createTally();
    const executor = createExecutor();
    const { signal } = new AbortController();
    await executor({ schema, document: parse('{ person { name } }'), rootValue, abortSignal: signal }, tally);
    await executor({ schema, document: parse('{ pets { name } }'), operationName: 'none' }, tally);
    expect(tally.isCounted).toBe(false);
  });
});
