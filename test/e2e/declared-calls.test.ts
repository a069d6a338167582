import { parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { callsOf } from '../../src/guard/cost/weights.ts';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { sampleOperations } from './operations.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

/** RPCs that the fields of a document say they make, by short name. */
function declaredBy(document: string): ReadonlySet<string> {
  const declared = new Set<string>();
  const types = new TypeInfo(schema);
  const Field = () => {
    for (const { method } of callsOf(types.getFieldDef() ?? {}))
      declared.add(method.slice(method.lastIndexOf('.') + 1));
  };
  visit(parse(document), visitWithTypeInfo(types, { Field }));
  return declared;
}

const user = encodeNodeId('User', 'user-1');
const order = encodeNodeId('Order', 'order-1');

/** Reads that the samples leave out, and each mutation: refused or not, its call is made. */
const others: readonly (readonly [string, string])[] = [
  [
    'what belongs to a user',
    `{ viewer { user { id } orders(first: 2) { edges { node { id } } }
    payments(first: 2) { edges { node { id } } } rooms(first: 2) { edges { node { members { displayName } } } } } }`,
  ],
  [
    'submitOrder',
    `mutation { submitOrder(input: { lines: [{ product: "${encodeNodeId('Product', 'product-1')}", quantity: 999 }] }) {
    ... on OrderSubmitted { order { customer { id } } } ... on OutOfStock { shortages { product { stock } } } } }`,
  ],
  [
    'cancelOrder',
    `mutation { cancelOrder(input: { order: "${order}" }) {
    ... on OrderCancelled { order { id } } ... on OrderNotCancellable { order { id } } } }`,
  ],
  [
    'createPayment',
    `mutation { createPayment(input: { order: "${order}", amount: "1.00", currencyCode: "EUR",
    idempotencyKey: "declared-calls-test", method: { voucher: { code: "x" } } }) { payment { id } } }`,
  ],
  [
    'syncOrders',
    `mutation { syncOrders(events: [{ id: "1", order: "${order}", kind: PACKED }]) { outcome } }`,
  ],
  [
    'sendMessage',
    `mutation { sendMessage(input: { room: "${encodeNodeId('Room', 'room-1')}", text: "Hello" }) {
    message { author { id } } } }`,
  ],
  ['setTyping', `mutation { setTyping(room: "${encodeNodeId('Room', 'room-1')}") }`],
  [
    'updateProfile',
    `mutation { updateProfile(input: { biography: "Hello" }) { user { friends(first: 1) { edges { node { id } } } } } }`,
  ],
  ['a user', `{ user(id: "${user}") { id } }`],
];

describe('the calls of an operation', () => {
  it.each([
    ...sampleOperations.map(({ name, query, variables }) => [name, query, variables(3)] as const),
    ...others.map(([name, query]) => [name, query, {}] as const),
  ])('are those that its fields declare: %s', async (_name, query, variables) => {
    shop.calls.length = 0;
    const scope = 'orders:read orders:write payments:read payments:write chat:read chat:write users:read';
    await shop.askAs({ sub: 'user-1', scope }, query, variables);
    expect(shop.calls).not.toEqual([]);
    const declared = declaredBy(query);
    expect(shop.calls.filter((call) => !declared.has(call))).toEqual([]);
  });

  it('are none where no field declares any', () => {
    expect(declaredBy('{ viewer { user { displayName } } }')).toEqual(new Set(['UserService/BatchGetUsers']));
    expect(declaredBy('{ viewer { __typename } }')).toEqual(new Set());
  });
});
