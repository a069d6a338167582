import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { type Caller, type Shop, startShop } from '../kit/shop.ts';

const customer = 'user-1';
const warehouse = { sub: 'warehouse', scope: 'orders:write' };

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

afterEach(() => shop.faults.clear());

interface Refusal {
  readonly code: unknown;
  readonly message: string;
  readonly path: unknown;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** The one error of an answer, whose only field is null. */
async function refusal(
  query: string,
  variables: Record<string, unknown>,
  caller: Caller = customer,
): Promise<Refusal> {
  const { data, errors } = await shop.askAs(caller, query, variables);
  expect(Object.values(data ?? {})).toEqual([null]);
  expect(errors).toHaveLength(1);
  const [error] = errors ?? [];
  const { code, ...extensions } = error?.extensions ?? {};
  return { code, message: error?.message ?? '', path: error?.path, extensions };
}

/** The answer's data, which came without errors. */
async function data<Data>(
  query: string,
  variables: Record<string, unknown> = {},
  caller: Caller = customer,
): Promise<Data> {
  const answer = await shop.askAs<Data>(caller, query, variables);
  expect(answer.errors).toBeUndefined();
  if (!answer.data) throw new Error('The answer had no data.');
  return answer.data;
}

/** The RPCs of `work`, but for reads by batch. */
async function callsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  shop.calls.length = 0;
  await work();
  return [...shop.calls];
}

async function one<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row> {
  const [row] = await shop.store.query<Row>(text, values);
  if (!row) throw new Error(`No row: ${text}`);
  return row;
}

const count = async (table: string) =>
  (await one<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`)).count;

const stockOf = async (id: string) =>
  (await one<{ stock: number }>('SELECT stock FROM products WHERE id = $1', [id])).stock;

const setStock = (id: string, stock: number) =>
  shop.store.query('UPDATE products SET stock = $2 WHERE id = $1', [id, stock]);

const product = (id: string) => encodeNodeId('Product', id);

const submit = `mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) {
  __typename
  ... on OrderSubmitted { order { id state note total { amount currencyCode } customer { id } payment { id }
    lines { number quantity unitPrice { amount } product { id stock } } } }
  ... on OutOfStock { shortages { line product { id stock } } }
} }`;

interface Submitted {
  readonly submitOrder: {
    readonly order: { readonly id: string; readonly total: { readonly amount: string } };
  };
}

/** A new order of the customer, its global id and its own, and what it costs. */
async function newOrder(caller: Caller = customer, productId = 'product-50') {
  await setStock(productId, 1000);
  const input = { lines: [{ product: product(productId), quantity: 1 }] };
  const { submitOrder } = await data<Submitted>(submit, { input }, caller);
  const { id, total } = submitOrder.order;
  return { id, rowId: Buffer.from(id, 'base64url').toString().slice('Order:'.length), amount: total.amount };
}

describe('submitOrder', () => {
  it('orders line by line: stock falls, and what was ordered is read again fresh', async () => {
    await setStock('product-11', 40);
    await setStock('product-12', 7);
    const input = {
      lines: [
        { product: product('product-12'), quantity: 7 },
        { product: product('product-11'), quantity: 3 },
      ],
      note: 'ring twice',
    };
    const calls = await callsOf(async () => {
      expect(await data(submit, { input })).toEqual({
        submitOrder: {
          __typename: 'OrderSubmitted',
          order: {
            id: expect.any(String),
            state: 'PENDING',
            note: 'ring twice',
            total: { amount: expect.any(String), currencyCode: 'EUR' },
            customer: { id: encodeNodeId('User', customer) },
            payment: null,
            lines: [
              {
                number: 1,
                quantity: 7,
                unitPrice: { amount: expect.any(String) },
                product: { id: product('product-12'), stock: 0 },
              },
              {
                number: 2,
                quantity: 3,
                unitPrice: { amount: expect.any(String) },
                product: { id: product('product-11'), stock: 37 },
              },
            ],
          },
        },
      });
    });
    expect(calls.toSorted()).toEqual([
      'CatalogService/BatchGetProducts',
      'OrderService/SubmitOrder',
      'UserService/BatchGetUsers',
    ]);
    expect([await stockOf('product-11'), await stockOf('product-12')]).toEqual([37, 0]);
    const row = await one('SELECT customer_id, note, state FROM orders ORDER BY create_time DESC LIMIT 1');
    expect(row).toEqual({ customer_id: customer, note: 'ring twice', state: 1 });
  });

  it('takes 100 lines in one call and refuses 0 and 101, saying where', async () => {
    const lines = Array.from({ length: 101 }, (_, index) => ({
      product: product(`product-${index + 200}`),
      quantity: 1,
    }));
    await shop.store.query(`UPDATE products SET stock = 10 WHERE id = ANY($1)`, [
      lines.map((_, index) => `product-${index + 200}`),
    ]);
    const query = 'mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) { __typename } }';
    const calls = await callsOf(async () => {
      expect(await data(query, { input: { lines: lines.slice(0, 100) } })).toEqual({
        submitOrder: { __typename: 'OrderSubmitted' },
      });
    });
    expect(calls).toEqual(['OrderService/SubmitOrder']);
    for (const wrong of [[], lines]) {
      expect(await refusal(query, { input: { lines: wrong } })).toMatchObject({
        code: 'BAD_USER_INPUT',
        extensions: {
          fieldViolations: [
            {
              path: ['input', 'lines'],
              description: `expected 1 to 100 lines, got ${wrong.length}`,
            },
          ],
        },
      });
    }
  });

  it('says which lines ask for too much as a result, and orders nothing', async () => {
    await setStock('product-21', 5);
    await setStock('product-22', 5);
    await setStock('product-23', 0);
    const before = await count('orders');
    const input = {
      lines: [
        { product: product('product-21'), quantity: 6 },
        { product: product('product-22'), quantity: 5 },
        { product: product('product-23'), quantity: 1 },
      ],
    };
    expect(await data(submit, { input })).toEqual({
      submitOrder: {
        __typename: 'OutOfStock',
        shortages: [
          { line: 0, product: { id: product('product-21'), stock: 5 } },
          { line: 2, product: { id: product('product-23'), stock: 0 } },
        ],
      },
    });
    expect(await count('orders')).toBe(before);
    expect(await stockOf('product-22')).toBe(5);
  });

  it.each([16, 17, 100])('says so of the first 16 of %i lines', async (size) => {
    const ids = Array.from({ length: size }, (_, index) => `product-${index + 400}`);
    await shop.store.query('UPDATE products SET stock = 0 WHERE id = ANY($1)', [ids]);
    const input = { lines: ids.map((id) => ({ product: product(id), quantity: 999 })) };
    const query =
      'mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) { ... on OutOfStock { shortages { line } } } }';
    expect(await data(query, { input })).toEqual({
      submitOrder: { shortages: ids.slice(0, 16).map((_, index) => ({ line: index })) },
    });
  });

  it.each([0, -1, 1000])('refuses the quantity %i where it stands in the input', async (quantity) => {
    const input = {
      lines: [
        { product: product('product-31'), quantity: 1 },
        { product: product('product-32'), quantity },
      ],
    };
    const before = await count('orders');
    expect(await refusal(submit, { input })).toMatchObject({
      code: 'BAD_USER_INPUT',
      path: ['submitOrder'],
      extensions: {
        fieldViolations: [
          { path: ['input', 'lines', 1, 'quantity'], description: `expected 1 to 999, got ${quantity}` },
        ],
      },
    });
    expect(await count('orders')).toBe(before);
  });

  it('says of the first 16 of 100 lines that their quantity is wrong', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => ({
      product: product(`product-${index + 200}`),
      quantity: 0,
    }));
    const { code, extensions } = await refusal(submit, { input: { lines } });
    expect(code).toBe('BAD_USER_INPUT');
    expect(extensions['fieldViolations']).toEqual(
      lines.slice(0, 16).map((_, index) => ({
        path: ['input', 'lines', index, 'quantity'],
        description: 'expected 1 to 999, got 0',
      })),
    );
  });

  it.each([
    [
      'the same product twice',
      { lines: [line('product-31', 1), line('product-31', 2)] },
      { path: ['input', 'lines', 1, 'product'], description: 'is the product of lines[0]' },
    ],
    [
      'a product that is not there',
      { lines: [line('product-31', 1), line('product-0', 1)] },
      { path: ['input', 'lines', 1, 'product'], description: 'there is no such product' },
    ],
    [
      'a note of 201 characters',
      { lines: [line('product-31', 1)], note: 'x'.repeat(201) },
      { path: ['input', 'note'], description: 'expected 0 to 200 characters, got 201' },
    ],
  ])('refuses %s where it stands in the input', async (_what, input, violation) => {
    const before = await count('orders');
    expect(await refusal(submit, { input })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [violation] },
    });
    expect(await count('orders')).toBe(before);
  });

  it.each([
    ['no id', 'garbage', /global id/],
    ['the id of something else', encodeNodeId('User', 'user-1'), /Product.*User/],
  ])('refuses %s for a product without a call, and says where', async (_what, id, message) => {
    const input = { lines: [line('product-31', 1), { product: id, quantity: 1 }] };
    const calls = await callsOf(async () => {
      const refused = await refusal(submit, { input });
      expect(refused).toMatchObject({
        code: 'BAD_USER_INPUT',
        extensions: {
          fieldViolations: [
            { path: ['input', 'lines', 1, 'product'], description: expect.stringMatching(message) },
          ],
        },
      });
    });
    expect(calls).toEqual([]);
  });

  it('gives the first answer again to the same key, and refuses the key for another order', async () => {
    await setStock('product-41', 10);
    const input = { lines: [line('product-41', 2)], idempotencyKey: 'submit-order-key-1' };
    const query =
      'mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) { ... on OrderSubmitted { order { id } } } }';
    const first = await data(query, { input });
    expect(await data(query, { input })).toEqual(first);
    expect(await stockOf('product-41')).toBe(8);
    const other = { ...input, lines: [line('product-41', 3)] };
    const { errors } = await shop.askAs(customer, query, { input: other });
    expect(errors).toMatchObject([{ extensions: { code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH' } }]);
    expect(await data(query, { input }, 'user-2')).not.toEqual(first);
    expect(await stockOf('product-41')).toBe(6);
  });
});

describe('cancelOrder', () => {
  const cancel = `mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) {
    __typename
    ... on OrderCancelled { order { id state payment { state } } }
    ... on OrderNotCancellable { order { id state } }
  } }`;

  it('cancels an order, gives its stock back, and refuses to do it again with the order as it is', async () => {
    const { id } = await newOrder(customer, 'product-51');
    expect(await stockOf('product-51')).toBe(999);
    expect(await data(cancel, { input: { order: id, reason: 'changed my mind' } })).toEqual({
      cancelOrder: { __typename: 'OrderCancelled', order: { id, state: 'CANCELLED', payment: null } },
    });
    expect(await stockOf('product-51')).toBe(1000);
    expect(await data(cancel, { input: { order: id } })).toEqual({
      cancelOrder: { __typename: 'OrderNotCancellable', order: { id, state: 'CANCELLED' } },
    });
    expect(await stockOf('product-51')).toBe(1000);
  });

  it.each([
    ['somebody else’s', async () => (await newOrder('user-2')).id],
    ['none', async () => encodeNodeId('Order', 'order-0')],
  ])('does not find an order that is %s', async (_what, idOf) => {
    expect(await refusal(cancel, { input: { order: await idOf() } })).toMatchObject({
      code: 'NOT_FOUND',
      path: ['cancelOrder'],
    });
  });

  it('takes a reason of 200 characters and refuses one more where it stands', async () => {
    const { id } = await newOrder();
    const input = { order: id, reason: 'x'.repeat(201) };
    expect(await refusal(cancel, { input })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['input', 'reason'] }] },
    });
    expect(await data(cancel, { input: { ...input, reason: 'x'.repeat(200) } })).toMatchObject({
      cancelOrder: { __typename: 'OrderCancelled' },
    });
  });

  it.each([
    ['the id of something else', product('product-1')],
    ['an id that no order can have', encodeNodeId('Order', 'x'.repeat(140))],
  ])('refuses %s where it stands', async (_what, order) => {
    expect(await refusal(cancel, { input: { order } })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['input', 'order'] }] },
    });
  });
});

describe('syncOrders', () => {
  const sync = `mutation ($events: [WarehouseEventInput!]!) {
    syncOrders(events: $events) { id outcome state } }`;
  const pay = (id: string) => shop.store.query('UPDATE orders SET state = 2 WHERE id = $1', [id]);

  it('answers each event in its order, whatever became of it, on one call', async () => {
    const paid = await newOrder();
    await pay(paid.rowId);
    const pending = await newOrder();
    const events = [
      { id: 'a', order: paid.id, kind: 'PACKED' },
      { id: 'b', order: pending.id, kind: 'PACKED' },
      { id: 'c', order: encodeNodeId('Order', 'order-0'), kind: 'SHIPPED' },
      { id: 'd', order: paid.id, kind: 'SHIPPED' },
      { id: 'e', order: paid.id, kind: 'PACKED' },
      { id: 'f', order: paid.id, kind: 'DELIVERED' },
    ];
    const calls = await callsOf(async () => {
      expect(await data(sync, { events }, warehouse)).toEqual({
        syncOrders: [
          { id: 'a', outcome: 'APPLIED', state: 'PACKED' },
          { id: 'b', outcome: 'REFUSED', state: 'PENDING' },
          { id: 'c', outcome: 'NOT_FOUND', state: null },
          { id: 'd', outcome: 'APPLIED', state: 'SHIPPED' },
          { id: 'e', outcome: 'UNCHANGED', state: 'SHIPPED' },
          { id: 'f', outcome: 'APPLIED', state: 'DELIVERED' },
        ],
      });
    });
    expect(calls).toEqual(['OrderService/SyncOrders']);
  });

  it('takes 100 events and refuses 0 and 101 without a call', async () => {
    const order = encodeNodeId('Order', 'order-0');
    const events = Array.from({ length: 101 }, (_, index) => ({ id: `${index}`, order, kind: 'PACKED' }));
    const { syncOrders } = await data<{ syncOrders: { id: string }[] }>(
      sync,
      { events: events.slice(0, 100) },
      warehouse,
    );
    expect(syncOrders.map(({ id }) => id)).toEqual(events.slice(0, 100).map(({ id }) => id));
    const calls = await callsOf(async () => {
      for (const wrong of [[], events]) {
        expect(await refusal(sync, { events: wrong }, warehouse)).toMatchObject({
          code: 'BAD_USER_INPUT',
          message: expect.stringContaining(`got ${wrong.length}`),
        });
      }
    });
    expect(calls).toEqual([]);
  });

  it('refuses an event whose order is no order where it stands, and tells nothing of the others', async () => {
    const { id, rowId } = await newOrder();
    await pay(rowId);
    const events = [
      { id: 'a', order: id, kind: 'PACKED' },
      { id: 'b', order: product('product-1'), kind: 'PACKED' },
    ];
    expect(await refusal(sync, { events }, warehouse)).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['events', 1, 'order'] }] },
    });
    expect(await one('SELECT state FROM orders WHERE id = $1', [rowId])).toEqual({ state: 2 });
  });
});

describe('createPayment', () => {
  const create = `mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { payment {
    id state amount { amount currencyCode }
    method { __typename ... on CardPayment { brand lastFour } ... on BankTransferPayment { bankName accountSuffix }
      ... on VoucherPayment { code } } } } }`;
  let keys = 0;
  const newKey = () => `create-payment-key-${keys++}`;
  const card = { card: { brand: 'visa', lastFour: '4242' } };

  it.each([
    ['card', card, { __typename: 'CardPayment', brand: 'visa', lastFour: '4242' }],
    [
      'bank transfer',
      { bankTransfer: { bankName: 'First', accountSuffix: 'AB12' } },
      { __typename: 'BankTransferPayment', bankName: 'First', accountSuffix: 'AB12' },
    ],
    ['voucher', { voucher: { code: 'GIFT-1' } }, { __typename: 'VoucherPayment', code: 'GIFT-1' }],
  ])('pays by %s, once for one key', async (_what, method, shown) => {
    const { id, rowId, amount } = await newOrder();
    const input = { order: id, amount, currencyCode: 'EUR', method, idempotencyKey: newKey() };
    const first = await data<{ createPayment: { payment: { id: string } } }>(create, { input });
    expect(first).toEqual({
      createPayment: {
        payment: {
          id: expect.any(String),
          state: 'CAPTURED',
          amount: { amount, currencyCode: 'EUR' },
          method: shown,
        },
      },
    });
    expect(await data(create, { input })).toEqual(first);
    const row = await one('SELECT count(*)::int AS count FROM payments WHERE order_id = $1', [rowId]);
    expect(row).toEqual({ count: 1 });
    const { order } = await data<{ order: unknown }>(
      'query ($id: ID!) { order(id: $id) { state payment { id } } }',
      { id },
    );
    expect(order).toEqual({ state: 'PAID', payment: { id: first.createPayment.payment.id } });
  });

  it('refuses two methods and none before anything is done', async () => {
    const { id, amount } = await newOrder();
    for (const method of [{ ...card, voucher: { code: 'x' } }, {}, { card: null }]) {
      const input = { order: id, amount, currencyCode: 'EUR', method, idempotencyKey: newKey() };
      const calls = await callsOf(async () => {
        const { errors } = await shop.askAs(customer, create, { input });
        expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      });
      expect(calls).toEqual([]);
    }
  });

  it('refuses another amount, another currency, a second payment and a cancelled order, each with its reason', async () => {
    const { id, rowId, amount } = await newOrder();
    const input = { order: id, amount, currencyCode: 'EUR', method: card };
    const reasonOf = async (change: object) => {
      const { code, extensions } = await refusal(create, {
        input: { ...input, idempotencyKey: newKey(), ...change },
      });
      return `${code} ${extensions['reason']}`;
    };
    expect(await reasonOf({ amount: '0.01' })).toBe('FAILED_PRECONDITION AMOUNT_MISMATCH');
    expect(await reasonOf({ amount: `-${amount}` })).toBe('FAILED_PRECONDITION AMOUNT_MISMATCH');
    expect(await reasonOf({ currencyCode: 'USD' })).toBe('FAILED_PRECONDITION AMOUNT_MISMATCH');
    const idempotencyKey = newKey();
    await data(create, { input: { ...input, idempotencyKey } });
    expect(await reasonOf({})).toBe('FAILED_PRECONDITION ORDER_NOT_PAYABLE');
    const reused = { ...input, idempotencyKey, method: { voucher: { code: 'x' } } };
    const { errors } = await shop.askAs(customer, create, { input: reused });
    expect(errors).toMatchObject([{ extensions: { code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH' } }]);
    await shop.store.query('UPDATE orders SET state = 6 WHERE id = $1', [rowId]);
    expect(await reasonOf({})).toBe('FAILED_PRECONDITION ORDER_NOT_PAYABLE');
  });

  it.each([
    [
      'the last four of a card',
      { method: { card: { brand: 'visa', lastFour: '42' } } },
      ['method', 'card', 'lastFour'],
    ],
    [
      'the brand of a card',
      { method: { card: { brand: '', lastFour: '4242' } } },
      ['method', 'card', 'brand'],
    ],
    [
      'the name of a bank',
      { method: { bankTransfer: { bankName: 'x'.repeat(101), accountSuffix: 'AB12' } } },
      ['method', 'bankTransfer', 'bankName'],
    ],
    [
      'the account at a bank',
      { method: { bankTransfer: { bankName: 'x', accountSuffix: 'AB1' } } },
      ['method', 'bankTransfer', 'accountSuffix'],
    ],
    ['the code of a voucher', { method: { voucher: { code: '' } } }, ['method', 'voucher', 'code']],
    ['an amount past 64 bits of nanos', { amount: '99999999999.00' }, ['amount']],
    ['the id of something else', { order: product('product-1') }, ['order']],
  ])('refuses %s where it stands', async (_what, change, path) => {
    const { id, amount } = await newOrder();
    const input = {
      order: id,
      amount,
      currencyCode: 'EUR',
      method: card,
      idempotencyKey: newKey(),
      ...change,
    };
    expect(await refusal(create, { input })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['input', ...path], description: expect.any(String) }] },
    });
  });

  it('does not find the order of somebody else', async () => {
    const { id, amount } = await newOrder('user-2');
    const input = { order: id, amount, currencyCode: 'EUR', method: card, idempotencyKey: newKey() };
    expect(await refusal(create, { input })).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('sendMessage', () => {
  const send = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
    message { id text sequence author { id displayName } } } }`;

  async function roomOf(user: string): Promise<string> {
    const { room_id: id } = await one<{ room_id: string }>(
      'SELECT room_id FROM room_members WHERE user_id = $1 LIMIT 1',
      [user],
    );
    return encodeNodeId('Room', id);
  }

  it('stores a message as its author’s, once for one key', async () => {
    const input = { room: await roomOf(customer), text: 'Grüße 👋', idempotencyKey: 'send-message-key-1' };
    const before = await count('messages');
    const first = await data(send, { input });
    expect(first).toEqual({
      sendMessage: {
        message: {
          id: expect.any(String),
          text: 'Grüße 👋',
          sequence: expect.stringMatching(/^\d+$/),
          author: { id: encodeNodeId('User', customer), displayName: expect.any(String) },
        },
      },
    });
    expect(await data(send, { input })).toEqual(first);
    expect(await count('messages')).toBe(before + 1);
    const { room } = await data<{ room: unknown }>(
      'query ($id: ID!) { room(id: $id) { messages(last: 1) { edges { node { text } } } } }',
      { id: input.room },
    );
    expect(room).toEqual({ messages: { edges: [{ node: { text: 'Grüße 👋' } }] } });
  });

  it.each([
    ['no text', { text: '' }, ['text']],
    ['2,001 characters', { text: 'x'.repeat(2001) }, ['text']],
    ['the id of something else', { text: 'x', room: product('product-1') }, ['room']],
  ])('refuses %s where it stands', async (_what, change, path) => {
    const input = { room: await roomOf(customer), ...change };
    expect(await refusal(send, { input })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['input', ...path] }] },
    });
  });

  it('does not find a room of others', async () => {
    const { id } = await one<{ id: string }>(
      'SELECT id FROM rooms WHERE NOT EXISTS (SELECT FROM room_members WHERE room_id = id AND user_id = $1) LIMIT 1',
      [customer],
    );
    const input = { room: encodeNodeId('Room', id), text: 'x' };
    expect(await refusal(send, { input })).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('updateProfile', () => {
  const update = `mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
    user { id displayName avatar biography email etag } } }`;

  interface Updated {
    readonly updateProfile: { readonly user: Readonly<Record<string, string>> };
  }

  const userRow = () =>
    one('SELECT display_name, avatar_url, biography, email, loyalty_tier FROM users WHERE id = $1', [
      customer,
    ]);

  it('changes what is given and nothing else', async () => {
    const before = await userRow();
    const { updateProfile } = await data<Updated>(update, { input: { biography: 'Likes tea.' } });
    expect(updateProfile.user).toMatchObject({
      id: encodeNodeId('User', customer),
      biography: 'Likes tea.',
      email: expect.stringContaining('@'),
    });
    expect(await userRow()).toEqual({ ...before, biography: 'Likes tea.' });
    await data(update, {
      input: { displayName: 'Ada', avatar: 'https://example.com/a.png', biography: null },
    });
    expect(await userRow()).toEqual({
      ...before,
      display_name: 'Ada',
      avatar_url: 'https://example.com/a.png',
      biography: 'Likes tea.',
    });
    await data(update, { input: { biography: '' } });
    expect(await userRow()).toMatchObject({ biography: '' });
  });

  it('refuses to change nothing', async () => {
    for (const input of [{}, { displayName: null }, { etag: '"1"' }]) {
      const calls = await callsOf(async () => {
        expect(await refusal(update, { input })).toMatchObject({ code: 'BAD_USER_INPUT' });
      });
      expect(calls).toEqual([]);
    }
  });

  it.each([
    ['a name that is empty', { displayName: '' }, ['displayName']],
    ['a name of 81 characters', { displayName: 'x'.repeat(81) }, ['displayName']],
    ['a biography of 501 characters', { biography: 'x'.repeat(501) }, ['biography']],
    ['an address that is not of the web', { avatar: 'ftp://example.com/' }, ['avatar']],
  ])('refuses %s where it stands', async (_what, input, path) => {
    expect(await refusal(update, { input })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['input', ...path] }] },
    });
  });

  it('changes with the current etag only, when one is given', async () => {
    const { updateProfile } = await data<Updated>(update, { input: { displayName: 'First' } });
    const etag = updateProfile.user['etag'];
    const second = await data<Updated>(update, { input: { displayName: 'Second', etag } });
    expect(second.updateProfile.user['etag']).not.toBe(etag);
    expect(await refusal(update, { input: { displayName: 'Third', etag: '' } })).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { fieldViolations: [{ path: ['input', 'etag'] }] },
    });
    for (const stale of [etag, 'nonsense']) {
      expect(await refusal(update, { input: { displayName: 'Third', etag: stale } })).toMatchObject({
        code: 'CONFLICT',
        extensions: { reason: 'ETAG_MISMATCH' },
      });
    }
    expect(await userRow()).toMatchObject({ display_name: 'Second' });
  });
});

describe('several mutations in one operation', () => {
  it('run one after another, and what one has changed the next reads fresh', async () => {
    const { id, amount } = await newOrder(customer, 'product-61');
    const query = `mutation ($order: ID!, $pay: CreatePaymentInput!) {
      paid: createPayment(input: $pay) { payment { state } }
      late: cancelOrder(input: { order: $order }) { ... on OrderCancelled { order { state payment { state } lines { product { stock } } } } }
      again: cancelOrder(input: { order: $order }) { ... on OrderNotCancellable { order { state payment { state } lines { product { stock } } } } }
      renamed: updateProfile(input: { displayName: "One" }) { user { displayName friends(first: 1) { edges { node { id friends(first: 20) { edges { node { displayName } } } } } } } }
      anew: updateProfile(input: { displayName: "Two" }) { user { displayName } }
    }`;
    const pay = {
      order: id,
      amount,
      currencyCode: 'EUR',
      method: { voucher: { code: 'x' } },
      idempotencyKey: 'several-mutations-1',
    };
    const calls = await callsOf(async () => {
      expect(await data(query, { order: id, pay })).toEqual({
        paid: { payment: { state: 'CAPTURED' } },
        late: {
          order: {
            state: 'CANCELLED',
            payment: { state: 'REFUNDED' },
            lines: [{ product: { stock: 1000 } }],
          },
        },
        again: {
          order: {
            state: 'CANCELLED',
            payment: { state: 'REFUNDED' },
            lines: [{ product: { stock: 1000 } }],
          },
        },
        renamed: { user: expect.objectContaining({ displayName: 'One' }) },
        anew: { user: { displayName: 'Two' } },
      });
    });
    const changes = ['CreatePayment', 'CancelOrder', 'UpdateUser'];
    expect(calls.map((call) => call.split('/')[1]).filter((name) => changes.includes(name ?? ''))).toEqual([
      'CreatePayment',
      'CancelOrder',
      'CancelOrder',
      'UpdateUser',
      'UpdateUser',
    ]);
  });

  it('read fresh what they show of the same row', async () => {
    const { id: order } = await newOrder(customer, 'product-71');
    await setStock('product-71', 10);
    const query = `mutation ($input: SubmitOrderInput!, $order: ID!) {
      less: submitOrder(input: $input) { ... on OrderSubmitted { order { ...stock } } }
      more: cancelOrder(input: { order: $order }) { ... on OrderCancelled { order { ...stock } } } }
      fragment stock on Order { lines { product { stock } } }`;
    const left = (stock: number) => ({ order: { lines: [{ product: { stock } }] } });
    const input = { lines: [line('product-71', 4)] };
    expect(await data(query, { input, order })).toEqual({ less: left(6), more: left(7) });
  });

  it('go on after one that failed', async () => {
    const query = `mutation { bad: updateProfile(input: { displayName: "" }) { user { id } }
      good: updateProfile(input: { displayName: "Good" }) { user { displayName } } }`;
    expect(await shop.askAs(customer, query)).toMatchObject({
      data: { bad: null, good: { user: { displayName: 'Good' } } },
      errors: [{ path: ['bad'], extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });
});

describe('a mutation whose service fails', () => {
  const fields: readonly (readonly [string, string, Caller, () => Promise<string>])[] = [
    [
      'OrderService/SubmitOrder',
      'submitOrder',
      customer,
      async () =>
        `submitOrder(input: { lines: [{ product: "${product('product-50')}", quantity: 1 }] }) { __typename }`,
    ],
    [
      'OrderService/CancelOrder',
      'cancelOrder',
      customer,
      async () => `cancelOrder(input: { order: "${(await newOrder()).id}" }) { __typename }`,
    ],
    [
      'OrderService/SyncOrders',
      'syncOrders',
      warehouse,
      async () => `syncOrders(events: [{ id: "a", order: "${(await newOrder()).id}", kind: PACKED }]) { id }`,
    ],
    [
      'PaymentService/CreatePayment',
      'createPayment',
      customer,
      async () =>
        `createPayment(input: { order: "${(await newOrder()).id}", amount: "1", currencyCode: "EUR",
          method: { voucher: { code: "x" } }, idempotencyKey: "${randomUUID()}" }) { payment { id } }`,
    ],
    [
      'ChatService/SendMessage',
      'sendMessage',
      customer,
      async () =>
        `sendMessage(input: { room: "${encodeNodeId('Room', 'room-1')}", text: "x" }) { message { id } }`,
    ],
    [
      'UserService/UpdateUser',
      'updateProfile',
      customer,
      async () => 'updateProfile(input: { displayName: "x" }) { user { id } }',
    ],
  ];

  const faults = [
    { code: 'UNAVAILABLE' },
    { disconnect: true },
    { code: 'ABORTED' },
    { code: 'INTERNAL' },
  ] as const;

  describe.each(fields)('%s', (method, name, caller, fieldOf) => {
    it.each(faults)('is called once, and never again, when it answers %j', async (fault) => {
      const query = `mutation { ${await fieldOf()} }`;
      shop.faults.set(method, fault);
      const calls = await callsOf(async () => {
        const { data: nothing, errors } = await shop.askAs(caller, query);
        expect(nothing).toEqual({ [name]: null });
        const code = {
          UNAVAILABLE: 'UPSTREAM_UNAVAILABLE',
          ABORTED: 'CONFLICT',
          INTERNAL: 'INTERNAL_SERVER_ERROR',
        };
        const expected = 'code' in fault ? code[fault.code] : expect.any(String);
        expect(errors).toMatchObject([{ path: [name], extensions: { code: expected } }]);
      });
      expect(calls).toEqual([method]);
    });
  });

  it('is told from a read, which is tried again', async () => {
    shop.faults.set('UserService/BatchGetUsers', { code: 'UNAVAILABLE', times: 1 });
    const query = 'query ($id: ID!) { user(id: $id) { displayName } }';
    const calls = await callsOf(() => data(query, { id: encodeNodeId('User', customer) }));
    expect(calls).toEqual(['UserService/BatchGetUsers', 'UserService/BatchGetUsers']);
  });
});

function line(productId: string, quantity: number) {
  return { product: encodeNodeId('Product', productId), quantity };
}
