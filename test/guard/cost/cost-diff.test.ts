import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { costDifferences } from '../../../src/guard/cost/cost-diff.ts';
import { createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { costDirectives } from '../../kit/cost-directives.ts';

const modelOf = (fields: string) =>
  createCostModel(buildSchema(`${costDirectives} type Query { ${fields} } type Thing { id: ID }`));

const before = modelOf(`
  same: Thing
  dearer: [Thing] @listSize(assumedSize: 4)
  cheaper: Thing @cost(weight: "8")
  endless: [Thing]
  gone: Thing`);
const after = modelOf(`
  same: Thing
  dearer: [Thing] @listSize(assumedSize: 6)
  cheaper: Thing @cost(weight: "2")
  endless: [Thing]
  fresh: Thing`);

function differences(documents: Readonly<Record<string, string>>) {
  const named = Object.entries(documents).map(([name, text]) => ({ name, document: parse(text) }));
  return costDifferences(before, after, named);
}

describe('costDifferences()', () => {
  it('has a row for each operation, in the order of the documents', () => {
    const rows = differences({
      one: 'query Same { same { id } } query Dearer { dearer { id } }',
      two: '{ cheaper { id } }',
    });
    expect(rows).toEqual([
      { document: 'one', operation: 'Same', before: 1, after: 1, factor: 1 },
      { document: 'one', operation: 'Dearer', before: 4, after: 6, factor: 1.5 },
      { document: 'two', operation: undefined, before: 8, after: 2, factor: 0.25 },
    ]);
  });

  it('takes two prices without a bound for the same', () => {
    expect(differences({ one: '{ endless { id } }' })).toMatchObject([
      { before: Infinity, after: Infinity, factor: 1 },
    ]);
  });

  it('leaves a price out where the schema has no such field', () => {
    expect(differences({ one: '{ gone { id } }', two: '{ fresh { id } }' })).toMatchObject([
      { before: 1, after: undefined, factor: undefined },
      { before: undefined, after: 1, factor: undefined },
    ]);
  });
});
