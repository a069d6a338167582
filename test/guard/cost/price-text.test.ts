import { describe, expect, it } from 'vitest';
import { priceText } from '../../../src/guard/cost/price-text.ts';
import { libraryPlan } from '../../kit/library-schema.ts';

const page = libraryPlan(`query ($n: Int) {
  page: items(first: $n) { edges { node { title author { name } } } }
  search(filter: { text: "x" }) { id }
}`);

const tableOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

describe('priceText()', () => {
  it('has a line for each field, indented by its depth, with the numbers on the right', () => {
    expect(priceText(page.report({ n: 20 }))).toBe(
      tableOf([
        'field                   own  count  inputs  total',
        'operation: Query          0      1       0     51',
        '  page: ItemConnection    1      1       0     41',
        '    edges: ItemEdge       0     20       0     40',
        '      node: Item          1      1       0      2',
        '        title: String     0      1       0      0',
        '        author: Author    1      1       0      1',
        '          name: String    0      1       0      0',
        '  search: Book            5      1       5     10',
        '    id: ID                0      1       0      0',
      ]),
    );
  });

  it('has what was answered beside it when that was counted', () => {
    const counts = [
      ['page ItemConnection', 1],
      ['page.edges ItemEdge', 3],
      ['page.edges.node Book', 2],
      ['page.edges.node Film', 1],
    ] as const;
    const text = priceText(page.report({ n: 20 }, { isCounted: true, entries: () => counts }));
    expect(text.split('\n').slice(0, 7)).toEqual([
      'field                   own  count  inputs  total  actual',
      'operation: Query          0      1       0     51       1',
      '  page: ItemConnection    1      1       0     41       1',
      '    edges: ItemEdge       0     20       0     40       3',
      '      node: Item          1      1       0      2       3',
      '        title: String     0      1       0      0',
      '        author: Author    1      1       0      1       0',
    ]);
  });

  it('says what has no bound, and writes large numbers to be read', () => {
    expect(priceText(libraryPlan('{ endless { title } }').report({}))).toContain('endless: Book');
    expect(priceText(libraryPlan('{ endless { title } }').report({}))).toContain('unbounded');
    expect(priceText(libraryPlan('{ mixed(first: 12345) { title } }').report({}))).toContain('12,345');
  });
});

describe('PricePlan.report()', () => {
  it('shows the fields of the dearest object type', () => {
    const report = libraryPlan(
      '{ mixed(first: 3) { ... on Book { summary } ... on Film { minutes } } }',
    ).report({});
    expect(report.children).toMatchObject([
      { path: 'mixed', total: 12, children: [{ path: 'mixed.minutes', own: 3 }] },
    ]);
  });

  it('shows the base of a mutation as its own price', () => {
    expect(libraryPlan('mutation { a: touch b: touch }').report({})).toMatchObject({
      own: 20,
      total: 20,
      type: 'Mutation',
    });
  });

  it('ends after 2,000 fields', () => {
    const aliases = Array.from({ length: 2_001 }, (_, index) => `a${index}: tags`).join(' ');
    const { children, total } = libraryPlan(`{ ${aliases} }`).report({});
    expect(children).toHaveLength(2_000);
    expect(total).toBe(2_001 * 2);
  });
});
