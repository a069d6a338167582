import { randomUUID } from 'node:crypto';
import { type ExecutionResult, OperationTypeNode } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { systemClock } from '../../src/clock.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import { encodeNodeId } from '../../src/index.ts';
import { OrderState } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { documentOf, type PathToType, pathsToType } from '../kit/paths-to-type.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { shopVariant } from '../kit/shop-variants.ts';
import { type Received, subscribeByWs } from '../kit/subscriber.ts';

/** What belongs to somebody. Every path to it is found in the schema: a new one is tested as soon as it is there. */
const types = ['Order', 'Payment', 'Room', 'Message'] as const;
type Owned = (typeof types)[number];

interface Caller {
  readonly sub: string;
  readonly scope?: string;
  readonly tenant?: string;
}

/** One of each type that belongs to the owner, by global ids; and the keys with which the owner made them. */
interface Things {
  readonly ids: Readonly<Record<Owned, string>>;
  readonly keys: Readonly<Record<'submitOrder' | 'createPayment' | 'sendMessage', string>>;
}

interface Verdict {
  /** Whether the answer has the thing. */
  readonly isShown: boolean;
  readonly codes: readonly unknown[];
}

let shop: Shop;
let owner: Caller;
let stranger: Caller;
let room: string;

beforeAll(async () => {
  shop = await startShop();
  const [row] = await shop.store.query<{ id: string; member: string; stranger: string }>(
    `SELECT rooms.id, min(user_id) AS member,
       (SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM room_members m WHERE m.room_id = rooms.id) LIMIT 1) AS stranger
     FROM rooms JOIN room_members ON room_id = rooms.id GROUP BY rooms.id ORDER BY rooms.id LIMIT 1`,
  );
  await shop.store.query('UPDATE products SET stock = 100000');
  owner = { sub: row?.member ?? '' };
  stranger = { sub: row?.stranger ?? '' };
  room = encodeNodeId('Room', row?.id ?? '');
});
afterAll(() => shop?.close());

function tokenOf({ sub, scope = '', tenant }: Caller): Promise<string> {
  const claims = tenant === undefined ? {} : { tenant };
  return signDevelopmentToken(
    { sub, issuer: 'weir-development', audience: 'weir', scope, claims },
    systemClock,
  );
}

/** Asks the face that has the path. */
async function ask(caller: Caller | null, query: string, url = shop.url): Promise<ExecutionResult> {
  const authorization = caller && { authorization: `Bearer ${await tokenOf(caller)}` };
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const webFields = shopVariant('web').schema.getQueryType()?.getFields() ?? {};

function urlOf({ operation, steps: [first] }: PathToType): string {
  const isOfWeb = operation !== OperationTypeNode.QUERY || (first && first.field in webFields);
  return isOfWeb ? shop.url : new URL('/mobile/graphql', shop.url).href;
}

/** The arguments with which a field is asked for what the owner has. */
function argumentsFor(path: PathToType, typename: Owned, { ids, keys }: Things) {
  // The node that is asked for: the thing itself, or the one behind which it is found.
  const behind = path.steps[1]?.parent;
  const node = ids[types.find((type) => type === behind) ?? typename];
  const line = `{ product: "${encodeNodeId('Product', 'product-1')}", quantity: 1 }`;
  const table: Readonly<Record<string, string>> = {
    'Query.node': `id: "${node}"`,
    'Query.nodes': `ids: ["${node}"]`,
    'Query.order': `id: "${ids.Order}"`,
    'Query.payment': `id: "${ids.Payment}"`,
    'Query.room': `id: "${ids.Room}"`,
    'Query.orders': 'first: 50',
    'Viewer.orders': 'first: 50',
    'Viewer.payments': 'first: 50',
    'Viewer.rooms': 'first: 50',
    'Room.messages': 'last: 50',
    'Mutation.submitOrder': `input: { lines: [${line}], idempotencyKey: "${keys.submitOrder}" }`,
    'Mutation.cancelOrder': `input: { order: "${ids.Order}" }`,
    'Mutation.createPayment': `input: { order: "${ids.Order}", amount: "${amount}", currencyCode: "EUR",
      method: { voucher: { code: "GIFT" } }, idempotencyKey: "${keys.createPayment}" }`,
    'Mutation.sendMessage': `input: { room: "${ids.Room}", text: "mine", idempotencyKey: "${keys.sendMessage}" }`,
    'Subscription.orderChanged': `id: "${ids.Order}"`,
    'Subscription.messageAdded': `room: "${ids.Room}"`,
  };
  return (coordinate: string) => table[coordinate];
}

/** The total of the owner's order, which is what its payment pays. */
let amount = '';

const pathOf = (typename: Owned, end: string) =>
  pathsToType(schema, typename).find(({ name }) => name.endsWith(end)) ?? expect.fail(`no path to ${end}`);
const makers = {
  Order: pathOf('Order', 'OrderSubmitted.order'),
  Payment: pathOf('Payment', 'CreatePaymentPayload.payment'),
  Message: pathOf('Message', 'SendMessagePayload.message'),
} as const;

/** Nothing yet but a room, with keys that nobody has used. */
function noThings(): Things {
  const keys = { submitOrder: randomUUID(), createPayment: randomUUID(), sendMessage: randomUUID() };
  return { ids: { Order: '', Payment: '', Room: room, Message: '' }, keys };
}

/** Makes one more thing through the path that makes it. */
async function make(caller: Caller, typename: keyof typeof makers, { ids, keys }: Things): Promise<Things> {
  const path = makers[typename];
  const document = documentOf(path, typename, argumentsFor(path, typename, { ids, keys }));
  return { ids: { ...ids, [typename]: await textIn(caller, document, /"id":"([^"]+)"/) }, keys };
}

async function textIn(caller: Caller, query: string, pattern: RegExp): Promise<string> {
  const answer = JSON.stringify(await ask(caller, query));
  return pattern.exec(answer)?.[1] ?? expect.fail(`expected ${pattern} in ${answer}`);
}

/** What a path to a type begins with: an order of the owner, with its payment where one is needed, or a message. */
async function makeThings(typename: Owned): Promise<Things> {
  if (typename === 'Room') return noThings();
  if (typename === 'Message') return make(owner, 'Message', noThings());
  const things = await make(owner, 'Order', noThings());
  if (typename === 'Order') return things;
  const total = `{ order(id: "${things.ids.Order}") { total { amount } } }`;
  amount = await textIn(owner, total, /"amount":"([^"]+)"/);
  return make(owner, 'Payment', things);
}

/** What the owner's thing must be for a path to lead to it. */
async function prepare({ name }: PathToType, { ids }: Things): Promise<void> {
  if (!name.includes('OrderNotCancellable')) return;
  const id = Buffer.from(ids.Order, 'base64url').toString().replace('Order:', '');
  await shop.store.query('UPDATE orders SET state = $2 WHERE id = $1', [
    id,
    OrderState.ORDER_STATE_DELIVERED,
  ]);
}

async function verdictOf(
  caller: Caller | null,
  path: PathToType,
  typename: Owned,
  things: Things,
): Promise<Verdict> {
  const document = documentOf(path, typename, argumentsFor(path, typename, things));
  if (path.operation === OperationTypeNode.SUBSCRIPTION)
    return verdictOfEvents(caller, document, typename, things);
  return verdictFrom(await ask(caller, document, urlOf(path)), things.ids[typename]);
}

/** Of what a subscriber receives of the owner's thing, up to an event of its own where it may subscribe at all. */
async function verdictOfEvents(caller: Caller | null, query: string, typename: Owned, things: Things) {
  const token = caller && { token: await tokenOf(caller) };
  await using subscriber = subscribeByWs(shop.url, { query, ...token });
  const ended = subscriber.ended.then((reason) => ({ errors: reason as NonNullable<Received['errors']> })); // as: errors of the graph
  const refused = await Promise.race([ended, subscriber.live.catch(() => ended)]);
  if ('errors' in refused) return verdictFrom(refused, things.ids[typename]);
  const id = await happen(typename, things);
  if (caller?.sub === stranger.sub) await make(stranger, 'Order', noThings());
  return verdictFrom(await subscriber.next(), id);
}

/** Lets something happen to the owner's thing, and gives the id of what is told. */
async function happen(typename: Owned, things: Things): Promise<string> {
  if (typename === 'Message') return (await make(owner, 'Message', noThings())).ids.Message;
  await ask(owner, `mutation { cancelOrder(input: { order: "${things.ids.Order}" }) { __typename } }`);
  return things.ids[typename];
}

function verdictFrom(answer: Pick<ExecutionResult | Received, 'errors'>, id: string): Verdict {
  const codes = new Set<unknown>();
  for (const { extensions } of answer.errors ?? []) codes.add(extensions?.['code']);
  return { isShown: JSON.stringify(answer).includes(id), codes: [...codes] };
}

/** A list for who runs the shop is refused as a whole, before any row is looked at. */
const isOfShop = ({ name }: PathToType) => name.startsWith('Query.orders ');
/** It is not there yet when its order is made. */
const isTooEarly = ({ name }: PathToType) =>
  name === 'Mutation.submitOrder > OrderSubmitted.order > Order.payment';
const byId = /^Query\.(node|nodes|order|payment|room)\b/;
const scope = 'orders:read payments:read chat:read';

const cells = types.flatMap((typename) =>
  pathsToType(schema, typename).map((path) => [typename, path.name, path] as const),
);

describe('108: one verdict by every path', () => {
  it('is about enough of them', () => {
    const count = (wanted: Owned) => cells.filter(([typename]) => typename === wanted).length;
    expect(count('Order')).toBeGreaterThanOrEqual(5);
    expect(types.map(count).every((paths) => paths >= 4)).toBe(true);
    const kinds = cells.flatMap(([typename, , path]) => (typename === 'Order' ? [path.operation] : []));
    expect(new Set(kinds)).toEqual(new Set(Object.values(OperationTypeNode)));
  });

  it.each(cells)('108: %s by %s is for its owner alone', async (typename, name, path) => {
    const things = await makeThings(typename);
    await prepare(path, things);
    const isTold = path.operation === OperationTypeNode.SUBSCRIPTION;
    // What was told once is not told again.
    const verdict = async (caller: Caller | null) =>
      verdictOf(caller, path, typename, isTold ? await makeThings(typename) : things);
    const refused = isOfShop(path) ? ['FORBIDDEN'] : ['NOT_FOUND'];
    for (const caller of [stranger, { ...stranger, tenant: 'another' }]) {
      const { isShown, codes } = await verdict(caller);
      expect(isShown).toBe(false);
      // What is asked for by its id is told to be nothing; own lists and own events just go without it.
      expect(byId.test(name) ? [refused] : [refused, []]).toContainEqual(codes);
    }
    expect(await verdict(null)).toMatchObject({ isShown: false });
    if (isOfShop(path) || byId.test(name))
      expect(await verdict({ sub: 'operator', scope })).toEqual({ isShown: true, codes: [] });
    if (isOfShop(path)) expect(await verdict(owner)).toEqual({ isShown: false, codes: refused });
    else if (isTooEarly(path)) expect(await verdict(owner)).toMatchObject({ isShown: false });
    else expect(await verdict(owner)).toEqual({ isShown: true, codes: [] });
  });
});
