import { buildSchema, type GraphQLSchema, isObjectType, parse } from 'graphql';
import { type CostModelOptions, createCostModel } from '../../src/guard/cost/cost-model.ts';
import { compilePrice, type PricePlan } from '../../src/guard/cost/price-plan.ts';
import { type FieldCall, weightsExtension } from '../../src/guard/cost/weights.ts';
import { costDirectives } from './cost-directives.ts';

/** Shelves of books and films in pages, their authors in batches: what prices are made of, and nothing more. */
const sdl = `${costDirectives}
  type Query {
    shelf: Shelf
    items(first: Int = 20, last: Int): ItemConnection @listSize(slicingArguments: ["first", "last"], sizedFields: ["edges"])
    books(ids: [ID!]!): [Book] @listSize(slicingArguments: ["ids"])
    members(first: Int): AuthorConnection @listSize(slicingArguments: ["first"], sizedFields: ["edges"])
    mixed(first: Int): [Item!]! @listSize(slicingArguments: ["first"])
    endless: [Book]
    tags: [String] @listSize(assumedSize: 4) @cost(weight: "0.5")
    search(filter: Filter @cost(weight: "3")): Book @cost(weight: "5")
  }
  type Mutation { lend(id: ID!): Book renew(id: ID!): Book touch: Boolean }
  type Subscription { lent: Book }
  input Filter { text: String = "" @cost(weight: "2") and: [Filter!] }
  type AuthorConnection { edges: [AuthorEdge!]! }
  type AuthorEdge @cost(weight: "0") { node: Author }
  type ItemConnection { edges: [ItemEdge!]! pageInfo: PageInfo! }
  type ItemEdge @cost(weight: "0") { node: Item }
  type PageInfo @cost(weight: "0") { hasNextPage: Boolean! }
  interface Item { id: ID! title: String author: Author }
  type Book implements Item { id: ID! title: String author: Author shelf: Shelf summary: String @cost(weight: "2") }
  type Film implements Item { id: ID! title: String author: Author minutes: Int @cost(weight: "3") studio: Author }
  type Author { name: String books: [Book] @listSize(assumedSize: 10) }
  type Shelf { label: String books(first: Int): [Book] @listSize(slicingArguments: ["first"], assumedSize: 5) discount: Discount }
  type Discount @cost(weight: "-2") { reason: String }
`;

const authorById: FieldCall = {
  upstream: 'people',
  method: 'BatchGetAuthors',
  loader: 'authorById',
  maxBatchSize: 8,
  perKey: 0.25,
};

const calls: Readonly<Record<string, FieldCall>> = {
  'Query.items': { upstream: 'stock', method: 'ListItems', call: 2 },
  'Query.books': {
    upstream: 'stock',
    method: 'BatchGetBooks',
    loader: 'bookById',
    maxBatchSize: 8,
    keys: 'items',
  },
  'Query.members': { ...authorById, keys: 'items' },
  'Book.author': authorById,
  'Film.author': authorById,
  'Film.studio': authorById,
  'Book.shelf': { upstream: 'stock', method: 'GetShelf' },
};

/** The schema of a small library, with its upstream calls. */
export function librarySchema(): GraphQLSchema {
  const schema = buildSchema(sdl);
  for (const [coordinate, call] of Object.entries(calls)) {
    const [typename = '', name = ''] = coordinate.split('.');
    const type = schema.getType(typename);
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    if (!field) throw new Error(`expected a field ${coordinate}`);
    field.extensions = { [weightsExtension]: { calls: [call] } };
  }
  return schema;
}

/** The plan of one operation on the library. */
export function libraryPlan(document: string, options: CostModelOptions = {}): PricePlan {
  return compilePrice(createCostModel(librarySchema(), options), parse(document));
}
