import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RowFault } from '../../upstreams/faults.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { sampleOperations } from './operations.ts';

const batchMethods = [
  'CatalogService/BatchGetProducts',
  'CatalogService/BatchListReviews',
  'UserService/BatchGetUsers',
  'OrderService/BatchGetOrders',
  'PaymentService/BatchGetPayments',
  'ChatService/BatchGetRooms',
];

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

afterEach(() => shop.faults.clear());

describe.each(sampleOperations)('$name', ({ query, variables }) => {
  it('gives the same answer when batches come shuffled, with duplicates and foreign rows', async () => {
    const clean = await shop.ask(query, variables(10));
    setRowFault({ shuffle: true, duplicate: 3, foreign: 3 });
    expect(await shop.ask(query, variables(10))).toEqual(clean);
  });

  it('shows null for a row that is missing and the right rows elsewhere', async () => {
    const clean = await shop.ask(query, variables(10));
    setRowFault({ shuffle: true, drop: 1, duplicate: 2, foreign: 3 });
    const hostile = await shop.ask(query, variables(10));
    // What was asked for by its id, and nothing else, says that it is not there.
    const told = hostile.errors?.map(({ path, extensions }) => [rootOf(path), extensions?.['code']]) ?? [];
    expect(told.filter(([root, code]) => root === undefined || code !== 'NOT_FOUND')).toEqual([]);
    expect(JSON.stringify(hostile)).not.toContain('foreign');
    expect(difference(clean.data, hostile.data, 'data')).toEqual([]);
  });
});

it('notices foreign and repeated rows and says so once for each batch', async () => {
  setRowFault({ duplicate: 1, foreign: 2 });
  shop.logged.length = 0;
  const [operation] = sampleOperations;
  await shop.ask(operation?.query ?? '', operation?.variables(1));
  expect(shop.logged).toEqual([expect.objectContaining({ loader: 'productById', foreign: 1, repeated: 1 })]);
});

/** The name of a field of the root, or of an entry of its list; undefined for what lies below. */
function rootOf([root, ...below]: readonly (string | number)[] = []): string | number | undefined {
  return below.every((key) => typeof key === 'number') ? root : undefined;
}

function setRowFault(rows: RowFault): void {
  for (const method of batchMethods) shop.faults.set(method, { rows });
}

/**
 * Where `hostile` differs from `clean` other than by a missing row: null in place of an object. A page of friends whose
 * rows are missing is shorter, but what it shows must be rows of the clean page, in their order.
 */
function difference(clean: unknown, hostile: unknown, path: string): string[] {
  if (hostile === null || clean === hostile) return [];
  if (Array.isArray(clean) && Array.isArray(hostile)) return listDifference(clean, hostile, path);
  if (isObject(clean) && isObject(hostile)) {
    return Object.keys(clean).flatMap((key) => difference(clean[key], hostile[key], `${path}.${key}`));
  }
  return [`${path}: expected ${JSON.stringify(clean)}, got ${JSON.stringify(hostile)}`];
}

function listDifference(clean: unknown[], hostile: unknown[], path: string): string[] {
  if (hostile.length === clean.length) {
    return clean.flatMap((entry, index) => difference(entry, hostile[index], `${path}.${index}`));
  }
  let from = 0;
  return hostile.flatMap((entry, index) => {
    const found = clean.findIndex((row, at) => at >= from && difference(row, entry, path).length === 0);
    from = found + 1;
    return found < 0 ? [`${path}.${index}: a row that the clean page has not: ${JSON.stringify(entry)}`] : [];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
