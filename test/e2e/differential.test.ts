import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  buildSchema,
  type ExecutionResult,
  type GraphQLNamedType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GeneratedOperation, operations } from '../kit/generate-operation.ts';
import { createCursorBook } from '../kit/reference/cursor-book.ts';
import { type Difference, differences } from '../kit/reference/differences.ts';
import { globalId } from '../kit/reference/reference-ids.ts';
import type { Principal } from '../kit/reference/reference-principal.ts';
import { shopOperations } from '../kit/reference/shop-operations.ts';
import {
  createShopReference,
  type ReferenceOptions,
  type ShopResolvers,
} from '../kit/reference/shop-reference.ts';
import type { OrdersArguments, ProductsArguments } from '../kit/reference/shop-resolvers.ts';
import { readTables, type Tables } from '../kit/reference/tables.ts';
import { type Shop, startShop } from '../kit/shop.ts';

/** Another seed asks other things; a failure prints the one it happened with. */
const seed = 20_260_203;
const operationCount = 2000;
const timeoutMs = 120_000;

/** Generated operations are stranger than those that people write. */
const generatedLimits = {
  maxTokens: 20_000,
  maxAliases: 1000,
  maxDirectives: 1000,
  maxFragments: 1000,
  maxRootFields: 100,
  maxVariables: 1000,
};

const operator = { subject: 'operator', scopes: ['orders:read', 'payments:read', 'chat:read', 'users:read'] };

/** Who asks, as often as they stand here. User 1 has most orders, and is in the first rooms. */
const principals: readonly Principal[] = [
  operator,
  operator,
  operator,
  operator,
  { subject: 'user-1', scopes: [] },
  { subject: 'user-1', scopes: [] },
  { subject: 'user-1', scopes: ['chat:read', 'users:read'] },
  { subject: 'user-2', scopes: ['orders:read'] },
  { subject: null, scopes: [] },
];

const sdl = readFileSync('schema/web.graphql', 'utf8');
const schema = buildSchema(sdl);

let shop: Shop;
let tables: Tables;
/** Headers that tell who asks. */
const credentials = new Map<Principal, Readonly<Record<string, string>>>();

beforeAll(async () => {
  shop = await startShop({ limits: generatedLimits });
  tables = await readTables(shop.databaseUrl);
  for (const principal of principals) {
    if (principal.subject === null) continue;
    const token = await shop.tokenOf(principal.subject, principal.scopes.join(' '));
    credentials.set(principal, { authorization: `Bearer ${token}` });
  }
});

afterAll(() => shop?.close());

/** Sends an operation as a client of that principal does. */
async function ask(
  { document, operationName, variables }: GeneratedOperation,
  principal: Principal,
): Promise<ExecutionResult> {
  const response = await fetch(shop.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials.get(principal) },
    body: JSON.stringify({ query: document, operationName, variables }),
  });
  return response.json();
}

type Change = Pick<ReferenceOptions, 'change' | 'seen'>;

const wrongReferences: readonly (readonly [string, (right: ShopResolvers) => object])[] = [
  [
    'forgets a filter',
    (right) => ({ ...right, orders: (args: OrdersArguments) => right.orders({ ...args, filter: null }) }),
  ],
  [
    'has another order',
    (right) => ({
      ...right,
      products: (args: ProductsArguments) => right.products({ ...args, order: 'PRICE_ASC' }),
    }),
  ],
  ['refuses nothing', (right) => ({ ...right, node: () => null })],
];

/** A reference, and how the shop's answer to an operation differs from its own. */
function createComparison(change: Change = {}) {
  const book = createCursorBook();
  const reference = createShopReference({ sdl, tables, book, ...change });
  let asked = 0;
  const compare = async (operation: GeneratedOperation, principal: Principal) => {
    const expected = await reference(operation, principal);
    asked += 1;
    // A text that was never sent, also while a failure shrinks, so that it is interpreted at first. Its second use is by a
    // compiled plan, which may put members that have directives elsewhere.
    const fresh = { ...operation, document: `${operation.document} # ${asked}` };
    const first = differences(await ask(fresh, principal), expected, book, { isOrdered: true });
    const second = differences(await ask(fresh, principal), expected, book, { isOrdered: false });
    return {
      expected,
      found: [...first, ...second.map((one) => ({ ...one, path: `${one.path} (compiled)` }))],
    };
  };
  return { book, compare };
}

/** The smallest operation among so many whose answer differs, and how; neither when all are equal. */
async function search(count: number, change: Change = {}) {
  const { book, compare } = createComparison(change);
  let refused = 0;
  let difference: readonly Difference[] = [];
  const anybody = fc.constantFrom(...principals);
  const isEqual = fc.asyncProperty(
    operations(schema, shopOperations(book)),
    anybody,
    async (operation, principal) => {
      const { expected, found } = await compare(operation, principal);
      // What is not there is no refusal: it is an answer, beside all others.
      if (expected.errors?.some(({ extensions }) => extensions['code'] !== 'NOT_FOUND')) refused += 1;
      if (found.length > 0) difference = found;
      return found.length === 0;
    },
  );
  const details = await fc.check(isEqual, {
    seed,
    numRuns: count,
    interruptAfterTimeLimit: timeoutMs - 20_000,
    markInterruptAsFailure: true,
  });
  const [operation] = details.counterexample ?? [];
  const failure = details.failed ? describeFailure(details, difference) : undefined;
  return { failure, operation, refused, cursors: book.size() };
}

/** All that it takes to try it by hand. */
function describeFailure(
  { counterexample, interrupted, numRuns }: fc.RunDetails<[GeneratedOperation, Principal]>,
  difference: readonly Difference[],
): string {
  const [operation, principal] = counterexample ?? [];
  if (!operation) return `Operation ${numRuns} of seed ${seed}${interrupted ? ' came too late' : ' failed'}.`;
  const { document, operationName = '', variables } = operation;
  return [
    `Operation ${numRuns} of seed ${seed} differs: ${JSON.stringify(difference.slice(0, 5), undefined, 2)}`,
    document,
    `operation: ${operationName}`,
    `variables: ${JSON.stringify(variables)}`,
    `asked by: ${JSON.stringify(principal)}`,
  ].join('\n');
}

describe('generated queries', () => {
  it(
    `are answered over HTTP as a plain execution over the tables answers them, ${operationCount} of them`,
    async () => {
      const seen = new Set<string>();
      const { failure, refused, cursors } = await search(operationCount, { seen });
      if (failure) expect.fail(failure);
      // Such a test can pass by asking for nothing.
      const unseen = coordinates().filter((coordinate) => !seen.has(coordinate));
      expect(unseen.filter((coordinate) => !ofReports.test(coordinate))).toEqual([]);
      expect(refused).toBeGreaterThan(operationCount / 20);
      expect(refused).toBeLessThan(operationCount / 2);
      expect(cursors).toBeGreaterThan(operationCount);
    },
    timeoutMs,
  );

  it.each(wrongReferences)(
    'differ from a reference that %s, and the counterexample is short',
    async (_what, change) => {
      const { operation } = await search(200, { change });
      expect(operation?.document.split('\n').length).toBeLessThan(12);
    },
    timeoutMs,
  );
});

/** Every field and argument that a query can reach. */
/** Sums, which the test of their service compares with its tables. */
const ofReports = /^(?:Query\.salesReport|SalesReport|SalesDay)\b/;

function coordinates(): string[] {
  const types = new Set<GraphQLNamedType>();
  const reach = (type: GraphQLNamedType | null | undefined): void => {
    if (!isCompositeType(type) || types.has(type)) return;
    types.add(type);
    if (isAbstractType(type)) schema.getPossibleTypes(type).forEach(reach);
    if (!isUnionType(type))
      for (const field of Object.values(type.getFields())) reach(getNamedType(field.type));
  };
  reach(schema.getQueryType());
  const reached = [...types].filter(isObjectType).filter(({ name }) => name !== 'RateLimit');
  return reached.flatMap((type) =>
    Object.values(type.getFields()).flatMap(({ name, args }) => {
      const coordinate = `${type.name}.${name}`;
      // Nothing is metered here: it is always null.
      if (coordinate === 'Query.rateLimit') return [];
      return [coordinate, ...args.map((argument) => `${coordinate}(${argument.name}:)`)];
    }),
  );
}

const page =
  '{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';
const bounds = 'first: $first, after: $after, last: $last, before: $before';

/** Each connection of the graph. */
const connections: readonly (readonly [string, string])[] = [
  ['Query.products', `list: products(order: BESTSELLING, ${bounds}) ${page}`],
  ['Query.orders', `list: orders(${bounds}) ${page}`],
  ['User.friends', `user(id: "${globalId('User', 'user-1')}") { list: friends(${bounds}) ${page} }`],
  [
    'Product.reviews',
    `product(id: "${globalId('Product', 'product-1')}") { list: reviews(${bounds}) ${page} }`,
  ],
  ['Room.messages', `room(id: "${globalId('Room', 'room-1')}") { list: messages(${bounds}) ${page} }`],
];

describe('cursors', () => {
  it.each(connections)('of %s stay the same and lead to the rows around theirs', async (list, selection) => {
    const { book, compare } = createComparison();
    const document = `query ($first: Int, $after: String, $last: Int, $before: String) { ${selection} }`;
    const turn = async (variables: Record<string, unknown>) => {
      const { found } = await compare({ document, operationName: undefined, variables }, operator);
      expect(found).toEqual([]);
    };
    await turn({ first: 6 });
    const cursors = [...(book.known(list)[0]?.cursors ?? [])];
    expect(cursors).toHaveLength(6);
    for (const cursor of cursors) {
      await turn({ first: 3, after: cursor });
      await turn({ last: 3, before: cursor });
      await turn({ first: 0, after: cursor });
    }
    await turn({ last: 6 });
  });
});
