import { once } from 'node:events';
import type { Client, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CatalogServiceService as catalog } from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { ChatServiceService as chat } from '../../upstream-protos/gen/shop/chat/v1/chat.ts';
import {
  OrderServiceService as orders,
  type SyncOrdersRequest,
  WarehouseEventKind,
} from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { PaymentServiceService as payments } from '../../upstream-protos/gen/shop/payments/v1/payments.ts';
import { type User, UserServiceService as users } from '../../upstream-protos/gen/shop/users/v1/users.ts';
import type { Scope } from '../../upstreams/caller.ts';
import { createFaults } from '../../upstreams/faults.ts';
import { createServices } from '../../upstreams/services.ts';
import {
  ask,
  collect,
  lockOf,
  open,
  openDuplex,
  openServices,
  orderParts,
  type Services,
  send,
  submit,
} from './services.ts';
import { type Identity, OPERATOR, refusal } from './upstream-fixture.ts';

const OWNER = 'user-1';
const OTHER = 'user-2';
const ROOM = 'room-of-owner';
const FIRST_PAGE = { pageSize: 5, afterToken: '', beforeToken: '', direction: 1, skip: 0 } as const;

let services: Services;
let keys = 0;
beforeAll(async () => {
  services = await openServices();
  await services.store.query('UPDATE products SET stock = 100000');
  await services.store.query('INSERT INTO rooms VALUES ($1, $2, now())', [ROOM, 'A room']);
  await services.store.query('INSERT INTO room_members VALUES ($1, $2)', [ROOM, OWNER]);
  await say(services.client, ROOM, OWNER);
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

/** A key of its own for each request. */
const newKey = () => `ownership-key-${keys++}`.padEnd(24, '.');
const say = (client: Client, roomId: string, authorId: string) =>
  ask(client, chat.sendMessage, { roomId, authorId, text: 'Hello.', idempotencyKey: newKey() });

async function newOrder() {
  const { order } = await submit(services, [['product-1', 1]], { customerId: OWNER });
  if (!order) throw new Error('The answer has no order.');
  return order;
}

/** What a request says of the order that it pays; the same whether that is there or not. */
let total: Awaited<ReturnType<typeof newOrder>>['total'];
const pay = (client: Client, orderId: string) =>
  ask(client, payments.createPayment, {
    idempotencyKey: newKey(),
    orderId,
    amount: total,
    method: { $case: 'voucher', value: { code: 'GIFT' } },
  });

async function newPayableOrder(): Promise<string> {
  const order = await newOrder();
  total = order.total;
  return order.id;
}

async function newPayment(): Promise<string> {
  const { payment } = await pay(services.client, await newPayableOrder());
  return payment?.id ?? '';
}

/** One method and what it is asked for. */
interface Rule {
  readonly method: string;
  /** Lets everybody through. */
  readonly scope: Scope;
  /** Something that OWNER may ask for; its id. */
  readonly make: () => Promise<string>;
  /** Asks for that, or for what is not there. `self` is the caller's id, OWNER's for who has none or acts for others. */
  readonly ask: (client: Client, id: string, self: string) => Promise<unknown>;
  /** How it is kept from the others: `empty` and `quiet` are answers without it. */
  readonly otherGets: Kept;
  /** When that is not the same. */
  readonly anonymousGets?: Kept;
}

type Kept = 'NOT_FOUND' | 'PERMISSION_DENIED' | 'empty' | 'quiet';

const idOf = (id: string) => async () => id;
const newOrderId = async () => (await newOrder()).id;

const RULES: readonly Rule[] = [
  {
    method: 'GetOrder',
    scope: 'orders:read',
    make: newOrderId,
    ask: (client, id) => ask(client, orders.getOrder, { id, readMask: undefined }),
    otherGets: 'NOT_FOUND',
  },
  {
    method: 'BatchGetOrders',
    scope: 'orders:read',
    make: newOrderId,
    ask: async (client, id) =>
      (await ask(client, orders.batchGetOrders, { ids: [id], readMask: undefined })).orders,
    otherGets: 'empty',
  },
  {
    method: 'ListOrders of a customer',
    scope: 'orders:read',
    make: idOf(OWNER),
    ask: (client, customerId) => listOrders(client, customerId),
    otherGets: 'empty',
  },
  {
    method: 'WatchOrders of an order',
    scope: 'orders:read',
    make: newOrderId,
    ask: (client, orderId) => watchOrders(client, { orderId, customerId: '' }),
    otherGets: 'quiet',
  },
  {
    method: 'WatchOrders of a customer',
    scope: 'orders:read',
    make: async () => (await newOrder()).customerId,
    ask: (client, customerId) => watchOrders(client, { orderId: '', customerId }),
    otherGets: 'quiet',
  },
  {
    method: 'SubmitOrder',
    scope: 'orders:write',
    make: idOf(OWNER),
    ask: (client, customerId) => {
      // To somebody who is not there an order is INVALID_ARGUMENT, for who may ask.
      return send(client, orders.submitOrder, orderParts([['product-1', 1]], { customerId }));
    },
    otherGets: 'PERMISSION_DENIED',
  },
  {
    method: 'CancelOrder',
    scope: 'orders:write',
    make: newOrderId,
    ask: (client, id) => ask(client, orders.cancelOrder, { id, reason: '' }),
    otherGets: 'NOT_FOUND',
  },
  {
    method: 'CreatePayment',
    scope: 'payments:write',
    make: newPayableOrder,
    ask: pay,
    otherGets: 'NOT_FOUND',
  },
  {
    method: 'BatchGetPayments',
    scope: 'payments:read',
    make: newPayment,
    ask: async (client, id) => (await ask(client, payments.batchGetPayments, { ids: [id] })).payments,
    otherGets: 'empty',
  },
  {
    method: 'ListPayments',
    scope: 'payments:read',
    make: async () => {
      await newPayment();
      return OWNER;
    },
    ask: async (client, customerId) =>
      (await ask(client, payments.listPayments, { customerId, page: FIRST_PAGE })).payments,
    otherGets: 'empty',
  },
  {
    method: 'BatchGetRooms',
    scope: 'chat:read',
    make: idOf(ROOM),
    ask: async (client, id) => (await ask(client, chat.batchGetRooms, { ids: [id] })).rooms,
    otherGets: 'empty',
  },
  {
    method: 'ListRooms',
    scope: 'chat:read',
    make: idOf(OWNER),
    ask: async (client, memberId) =>
      (await ask(client, chat.listRooms, { memberId, page: FIRST_PAGE })).rooms,
    otherGets: 'empty',
  },
  {
    method: 'ListMessages',
    scope: 'chat:read',
    make: idOf(ROOM),
    ask: (client, roomId) => ask(client, chat.listMessages, { roomId, page: FIRST_PAGE }),
    otherGets: 'NOT_FOUND',
  },
  {
    method: 'WatchRoom',
    scope: 'chat:read',
    make: idOf(ROOM),
    ask: (client, roomId) =>
      first(open(client, chat.watchRoom, { roomId, afterSequence: 0n, withStart: false })),
    otherGets: 'NOT_FOUND',
  },
  {
    method: 'SendMessage into a room',
    scope: 'chat:write',
    make: idOf(ROOM),
    ask: say,
    otherGets: 'NOT_FOUND',
    anonymousGets: 'PERMISSION_DENIED',
  },
  {
    method: 'SendMessage as an author',
    scope: 'chat:write',
    make: idOf(OWNER),
    ask: (client, authorId) => say(client, ROOM, authorId),
    otherGets: 'PERMISSION_DENIED',
  },
  {
    method: 'UpdateUser',
    scope: 'users:write',
    make: idOf(OWNER),
    ask: (client, id) => updateBiography(client, id),
    otherGets: 'PERMISSION_DENIED',
  },
];

async function listOrders(client: Client, customerId: string, page: object = {}) {
  const request = {
    page: { ...FIRST_PAGE, ...page },
    filter: { customerId, state: 0 } as const,
    readMask: undefined,
  };
  return (await collect(open(client, orders.listOrders, request))).flatMap(({ item }) =>
    item?.$case === 'order' ? [item.value] : [],
  );
}

function updateBiography(client: Client, id: string) {
  const user: User = {
    ...{ id, displayName: '', email: '', avatarUrl: '', loyaltyTier: 0, friendIds: [], biography: 'New.' },
    ...{ etag: '', createTime: undefined },
  };
  return ask(client, users.updateUser, { user, updateMask: ['biography'] });
}

/** The first message. */
async function first<Res>(stream: ClientReadableStream<Res>): Promise<Res> {
  const { promise, resolve, reject } = Promise.withResolvers<Res>();
  // The cancellation comes as an error when nobody waits for one any more.
  stream.on('data', resolve).on('error', reject);
  const message = await promise.finally(() => stream.cancel());
  await untilNobodyListens();
  return message;
}

async function untilNobodyListens(): Promise<void> {
  // A statement is a turn of the server's event loop.
  while (services.listeners() > 0) await services.store.query('SELECT 1');
}

/** The first event, or 'quiet' when the service has read all that is kept, has looked for more, and sent none. */
async function watchOrders(client: Client, request: { orderId: string; customerId: string }) {
  const { store, outbox, statements } = services;
  const looks = () => statements.filter(({ text }) => text.includes('FROM outbox_topics')).length;
  const stream = open(client, orders.watchOrders, { ...request, afterSequence: 0n, withStart: false });
  const received: unknown[] = [];
  stream.on('data', (event) => received.push(event)).on('error', () => {}); // Cancelled below.
  await once(stream, 'metadata');
  const before = looks();
  const change = { topic: 'orders', subject: 'marker', owner: '', payload: { oldState: 1, newState: 2 } };
  await store.transaction((tx) => outbox.append(tx, change));
  while (received.length === 0 && looks() === before) await store.query('SELECT 1');
  // Comes on the same connection after what the stream was sent.
  await ask(client, catalog.batchGetProducts, { ids: ['product-1'], readMask: ['id'] });
  stream.cancel();
  await untilNobodyListens();
  return received[0] ?? 'quiet';
}

const EVERY_SCOPE = (OPERATOR['x-weir-scopes'] ?? '').split(' ');

const callers = {
  owner: () => ({ 'x-weir-subject': OWNER }),
  other: () => ({ 'x-weir-subject': OTHER }),
  anonymous: () => ({}),
  scope: (scope) => ({ 'x-weir-subject': OTHER, 'x-weir-scopes': scope }),
  'every other scope': (scope) => ({
    'x-weir-subject': OTHER,
    'x-weir-scopes': EVERY_SCOPE.filter((each) => each !== scope).join(' '),
  }),
} as const satisfies Record<string, (scope: Scope) => Identity>;
type CallerName = keyof typeof callers;

/** All that a caller can see of how it was answered, ids that it sent itself replaced; and the SQL behind it. */
interface Outcome {
  readonly code: string;
  readonly answer: unknown;
  readonly message: string;
  /** google.rpc.Status and every other trailer, byte by byte. */
  readonly trailers: string;
  readonly statements: readonly string[];
}

async function outcomeOf(rule: Rule, name: CallerName, id: string, on = services): Promise<Outcome> {
  const client = on.as(callers[name](rule.scope));
  const self = name === 'other' || name === 'every other scope' ? OTHER : OWNER;
  on.statements.length = 0;
  const [result] = await Promise.allSettled([rule.ask(client, id, self)]);
  const texts = on.statements.map(({ text }) => text);
  // A watcher looks again whenever something happens.
  const statements = rule.otherGets === 'quiet' ? [...new Set(texts)] : texts;
  const seen = (text: string) => text.replaceAll(id, '<id>');
  if (result.status === 'fulfilled') {
    const answer = result.value;
    const isEmpty = Array.isArray(answer) && answer.length === 0;
    const code = answer === 'quiet' ? 'quiet' : isEmpty ? 'empty' : 'OK';
    return { code, answer, message: '', trailers: '', statements };
  }
  const error: ServiceError = result.reason;
  const { code = '', message } = await refusal(Promise.reject(error));
  return { code, answer: undefined, message: seen(message), trailers: seen(trailersOf(error)), statements };
}

function trailersOf({ metadata }: ServiceError): string {
  const entries = Object.entries(metadata.getMap()).filter(([key]) => key !== 'date');
  return JSON.stringify(entries.map(([key, value]) => [key, value.toString('latin1')]));
}

/** As long as the id, so that lengths tell nothing either. Of nothing in the shop. */
const absentLike = (id: string) => `${id.slice(0, -1)}~`;

/** Everything that a method of the table may change. */
async function stateOfShop(): Promise<unknown> {
  const [row] = await services.store.query(
    `SELECT (SELECT sum(stock) FROM products) AS stock, (SELECT sum(revision) FROM users) AS revisions,
       (SELECT sum(state) FROM orders) AS states, (SELECT count(*) FROM orders) AS orders,
       (SELECT count(*) FROM payments) AS payments, (SELECT count(*) FROM messages) AS messages,
       (SELECT count(*) FROM idempotency_keys) AS keys,
       (SELECT count(*) FROM outbox WHERE subject <> 'marker') AS events`,
  );
  return row;
}

const pairs = (names: readonly CallerName[]) =>
  RULES.flatMap((rule) => names.map((name) => [rule.method, name, rule] as const));

describe('what belongs to somebody', () => {
  it.each(pairs(['owner', 'scope']))('%s answers the %s', async (_, name, rule) => {
    const id = await rule.make();
    const outcome = await outcomeOf(rule, name, id);
    expect(outcome).toMatchObject({ code: 'OK', message: '' });
    // The measure of the test below can fail: who may see it is answered otherwise.
    const absent = await outcomeOf(rule, name, absentLike(id));
    expect(absent).not.toEqual(outcome);
  });

  it.each(pairs(['other', 'anonymous', 'every other scope']))(
    '%s answers the caller "%s" as if it were not there',
    async (_, name, rule) => {
      const id = await rule.make();
      const before = await stateOfShop();
      const outcome = await outcomeOf(rule, name, id);
      const kept = name === 'anonymous' ? (rule.anonymousGets ?? rule.otherGets) : rule.otherGets;
      expect(outcome.code).toBe(kept);
      expect(outcome).toEqual(await outcomeOf(rule, name, absentLike(id)));
      expect(outcome.statements.length > 0).toBe(kept !== 'PERMISSION_DENIED');
      expect(await stateOfShop()).toEqual(before);
    },
  );

  it('has a rule for every method that is served and not public', () => {
    const served = createServices({ ...services, faults: createFaults() });
    const guarded = served
      .flatMap(({ definition, implementation }) => {
        const methods = Object.entries(definition).filter(([name]) => Object.hasOwn(implementation, name));
        return methods.map(([, { path }]) => path).filter((path) => !path.includes('CatalogService'));
      })
      .map((path) => path.split('/').at(-1) ?? '');
    const ruled = new Set(RULES.map(({ method }) => method.split(' ')[0]));
    // These have tests of their own below.
    expect(guarded.filter((method) => !ruled.has(method)).toSorted()).toEqual([
      'BatchGetUsers',
      'GetSalesReport',
      'SyncOrders',
    ]);
  });

  it.each(['GetOrder', 'BatchGetOrders', 'CancelOrder', 'ListMessages'])(
    '%s would be told apart if the owner were not in its SQL: the tests above can fail',
    async (method) => {
      const open = await openUnguarded();
      const rule = RULES.find((each) => each.method === method);
      if (!rule) throw new Error(`No rule for ${method}.`);
      const id = method === 'ListMessages' ? 'room-1' : 'order-17';
      await open.store.query(`UPDATE orders SET state = 1, customer_id = 'user-1' WHERE id = 'order-17'`);
      const outcome = await outcomeOf(rule, 'anonymous', id, open);
      expect(outcome.code).toBe('OK');
      expect(outcome).not.toEqual(await outcomeOf(rule, 'anonymous', absentLike(id), open));
    },
  );

  it('ListMessages runs another number of statements for a room that is there: counting them can fail', async () => {
    const rule = RULES.find(({ method }) => method === 'ListMessages');
    if (!rule) throw new Error('No rule for ListMessages.');
    const there = await outcomeOf(rule, 'owner', ROOM);
    const absent = await outcomeOf(rule, 'owner', absentLike(ROOM));
    expect([there.statements.length, absent.statements.length]).toEqual([1, 2]);
  });
});

/** The services on a store that lets every owner's condition hold. */
async function openUnguarded(): Promise<Services> {
  const open = await openServices((store) => ({
    ...store,
    query: (text, values, signal) => store.query(unguarded(text), values, signal),
    transaction: (work, signal) =>
      store.transaction(
        (tx) => work({ query: (text, values, own) => tx.query(unguarded(text), values, own) }),
        signal,
      ),
  }));
  onTestFinished(() => open.close());
  return open;
}

function unguarded(text: string): string {
  return text.replace(/(?:\w+\.)?(?:customer_id|user_id) = (\$\d+)/g, '($1::text IS NULL OR true)');
}

describe('ListOrders without the scope', () => {
  const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

  it.each([
    ['no filter', ''],
    ['a filter for the caller', OWNER],
  ])('ListOrders gives the caller its own orders and no other with %s', async (_, customerId) => {
    const text = 'SELECT id FROM orders WHERE customer_id = $1 ORDER BY create_time DESC, id DESC LIMIT 500';
    const expected = await services.store.query<{ id: string }>(text, [OWNER]);
    const client = services.as(callers.owner());
    expect(idsOf(await listOrders(client, customerId, { pageSize: 500 }))).toEqual(idsOf(expected));
    expect(await listOrders(services.as({}), customerId, { pageSize: 500 })).toEqual([]);
  });

  it.each([
    [0, 'orders_customer_newest'],
    [5, 'orders_customer_state_newest'],
  ] as const)('ListOrders is served by an index of the customer (state %i)', async (state, index) => {
    services.statements.length = 0;
    const filter = { customerId: '', state };
    const request = { page: FIRST_PAGE, filter, readMask: ['id'] };
    await collect(open(services.as(callers.owner()), orders.listOrders, request));
    const [statement] = services.statements;
    const plan = await services.store.query(
      `EXPLAIN (FORMAT JSON) ${statement?.text}`,
      statement?.values ?? [],
    );
    const text = JSON.stringify(plan);
    expect(text).toContain(`"Index Name":"${index}"`);
    expect(text).not.toContain('"Node Type":"Sort"');
  });
});

describe('batches without the scope', () => {
  it("BatchGetOrders gives what is the caller's among the rest", async () => {
    const [own, absent] = [await newOrder(), absentLike('order-1')];
    const { order: theirs } = await submit(services, [['product-1', 1]], { customerId: OTHER });
    const ids = [absent, theirs?.id ?? '', own.id];
    const answer = await ask(services.as(callers.owner()), orders.batchGetOrders, { ids, readMask: ['id'] });
    expect(answer.orders.map(({ id }) => id)).toEqual([own.id]);
  });

  it("BatchGetRooms gives the caller's rooms with all their members", async () => {
    const room = 'room-of-both';
    await services.store.query('INSERT INTO rooms VALUES ($1, $2, now())', [room, 'A room']);
    await services.store.query(`INSERT INTO room_members SELECT $1, unnest($2::text[])`, [
      room,
      [OTHER, OWNER],
    ]);
    const { rooms } = await ask(services.as(callers.other()), chat.batchGetRooms, { ids: [ROOM, room] });
    expect(rooms).toMatchObject([{ id: room, memberIds: [OWNER, OTHER] }]);
  });
});

describe('CancelOrder and CreatePayment without the scope', () => {
  it.each([
    [
      'CancelOrder',
      (id: string) => ask(services.as(callers.other()), orders.cancelOrder, { id, reason: '' }),
    ],
    ['CreatePayment', (id: string) => pay(services.as(callers.other()), id)],
  ])('%s does not feel that somebody works on the order', async (_, call) => {
    const id = await newPayableOrder();
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { text, values } = lockOf(id);
    const holder = services.store.transaction(async (tx) => {
      await tx.query(text, values);
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    // Comes while the row is locked.
    expect((await refusal(call(id))).code).toBe('NOT_FOUND');
    release.resolve();
    await holder;
  });
});

describe('SyncOrders', () => {
  const event: SyncOrdersRequest = {
    eventId: '1',
    orderId: 'order-1',
    kind: WarehouseEventKind.WAREHOUSE_EVENT_KIND_PACKED,
  };

  async function sync(caller: Identity, requests: readonly SyncOrdersRequest[]): Promise<unknown[]> {
    const call = openDuplex(services.as(caller), orders.syncOrders);
    for (const request of requests) call.write(request);
    const answers: unknown[] = [];
    for await (const answer of call) if (answers.push(answer) === requests.length) call.end();
    return answers;
  }

  it.each(['owner', 'anonymous', 'every other scope'] as const)(
    'SyncOrders refuses the caller "%s" before the first event',
    async (name) => {
      services.statements.length = 0;
      const denied = { code: 'PERMISSION_DENIED', metadata: { scope: 'orders:write' } };
      for (const events of [[event], []]) {
        expect(await refusal(sync(callers[name]('orders:write'), events))).toMatchObject(denied);
      }
      expect(services.statements).toEqual([]);
    },
  );

  it('SyncOrders answers who has the scope', async () => {
    expect(await sync(callers.scope('orders:write'), [event])).toMatchObject([{ eventId: '1' }]);
  });
});

describe('GetSalesReport', () => {
  // The last three months of the seed.
  const fromTime = new Date('2026-03-01T00:00:00Z');
  const daysLater = (days: number) => new Date(fromTime.getTime() + days * 86_400_000);
  const report = (caller: Identity, toTime: Date | undefined) =>
    ask(services.as(caller), orders.getSalesReport, { fromTime, toTime });
  const reader = callers.scope('reports:read');

  it.each(['owner', 'anonymous', 'every other scope'] as const)(
    'refuses the caller "%s" before any SQL',
    async (name) => {
      services.statements.length = 0;
      const denied = { code: 'PERMISSION_DENIED', metadata: { scope: 'reports:read' } };
      expect(await refusal(report(callers[name]('reports:read'), daysLater(1)))).toMatchObject(denied);
      expect(services.statements).toEqual([]);
    },
  );

  it('sums what was ordered on each day, cancelled orders aside', async () => {
    const { days } = await report(reader, daysLater(92));
    const rows = await services.store.query<{ count: bigint; sum: bigint }>(
      'SELECT count(*), sum(total_nanos)::bigint FROM orders WHERE create_time >= $1 AND create_time < $2 AND state <> 6',
      [fromTime, daysLater(92)],
    );
    const nanos = days.map(
      ({ revenue }) => (revenue?.units ?? 0n) * 1_000_000_000n + BigInt(revenue?.nanos ?? 0),
    );
    expect(days.length).toBeGreaterThan(60);
    expect(days.toSorted((a, b) => Number(a.day) - Number(b.day))).toEqual(days);
    expect(days.reduce((sum, { orderCount }) => sum + orderCount, 0)).toBe(Number(rows[0]?.count));
    expect(nanos.reduce((sum, each) => sum + each, 0n)).toBe(rows[0]?.sum);
  });

  it.each([
    ['none', undefined],
    ['empty', daysLater(0)],
    ['backwards', daysLater(-1)],
    ['too long', new Date(daysLater(92).getTime() + 1)],
  ])('refuses a time that is %s', async (_, toTime) => {
    expect(await refusal(report(reader, toTime))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('SubmitOrder without the scope', () => {
  it('SubmitOrder refuses another customer before the lines have come', async () => {
    const [header] = orderParts([], { customerId: OTHER });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const { submitOrder: method } = orders;
    const call = services
      .as(callers.owner())
      .makeClientStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        (error, answer) => (error ? reject(error) : resolve(answer)),
      );
    if (header) call.write(header);
    // The call is not ended: the answer comes all the same.
    expect(await refusal(promise)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

describe("a user's email", () => {
  const emailsFor = async (caller: Identity) => {
    const request = { ids: [OWNER, OTHER], readMask: ['email'] };
    const { users: found } = await ask(services.as(caller), users.batchGetUsers, request);
    return found.toSorted((a, b) => a.id.localeCompare(b.id)).map(({ email }) => email !== '');
  };

  it.each<[CallerName, boolean[]]>([
    ['owner', [true, false]],
    ['other', [false, true]],
    ['anonymous', [false, false]],
    ['scope', [true, true]],
    ['every other scope', [false, true]],
  ])('BatchGetUsers gives it to the caller "%s" of %j', async (name, expected) => {
    expect(await emailsFor(callers[name]('users:read'))).toEqual(expected);
  });

  it('UpdateUser gives it to the user, and not to who may only write', async () => {
    const own = await updateBiography(services.as(callers.owner()), OWNER);
    expect(own.user).toMatchObject({ biography: 'New.', email: expect.stringContaining('@') });
    const byScope = await updateBiography(services.as(callers.scope('users:write')), OWNER);
    expect(byScope.user).toMatchObject({ biography: 'New.', email: '' });
  });
});

describe('SendMessage with the scope', () => {
  it('SendMessage says that the author is no member', async () => {
    const refused = await refusal(say(services.as(callers.scope('chat:write')), ROOM, 'user-3'));
    expect(refused).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'NOT_A_MEMBER' });
  });
});

describe('an identity that is malformed', () => {
  it.each([
    { 'x-weir-subject': 'user%2D1' },
    { 'x-weir-subject': 'user-1, user-2' },
    { 'x-weir-scopes': 'orders:read' },
  ])('is refused where it matters (%j), and no SQL runs', async (identity) => {
    const client = services.as(identity);
    services.statements.length = 0;
    const [field] = Object.keys(identity);
    const read = ask(client, orders.getOrder, { id: 'order-1', readMask: undefined });
    for (const call of [read, listOrders(client, ''), say(client, ROOM, OWNER)]) {
      expect(await refusal(call)).toMatchObject({ code: 'INVALID_ARGUMENT', fields: [field] });
    }
    expect(services.statements).toEqual([]);
    const { products } = await ask(client, catalog.batchGetProducts, {
      ids: ['product-1'],
      readMask: ['id'],
    });
    expect(products.length).toBe(1);
  });
});
