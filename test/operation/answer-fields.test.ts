import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { answerFields } from '../../src/operation/answer-fields.ts';

const schema = buildSchema(`
  interface Named { name: String friends: [Named!]! }
  type Cat implements Named { name: String friends: [Named!]! kittens: [Cat] }
  type Query { cat: Cat pets: [Named!]! }
`);

function fieldsOf(text: string): Record<string, string> {
  const fields = answerFields(schema, parse(text));
  return Object.fromEntries(
    [...fields].map(([path, { coordinate, isList }]) => [path, coordinate + (isList ? '[]' : '')]),
  );
}

describe('answerFields', () => {
  it('answerFields() names the field behind each place, aliases and fragments included', () => {
    expect(
      fieldsOf(`
        query { mine: cat { ...C } all: pets { name ... on Cat { kittens { name } } } }
        fragment C on Cat { friends { name } }
      `),
    ).toEqual({
      mine: 'Query.cat',
      'mine.friends': 'Cat.friends[]',
      'mine.friends.name': 'Named.name',
      all: 'Query.pets[]',
      'all.name': 'Named.name',
      'all.kittens': 'Cat.kittens[]',
      'all.kittens.name': 'Cat.name',
    });
  });

  it('answerFields() ends on a fragment that spreads itself, and leaves out what the schema has not', () => {
    expect(fieldsOf('{ cat { ...C } nothing } fragment C on Cat { name ...C ...Missing }')).toEqual({
      cat: 'Query.cat',
      'cat.name': 'Cat.name',
    });
  });
});
