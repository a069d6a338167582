import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  OrderServiceService as methods,
  OrderState,
  type SubmitOrderRequest,
  type SubmitOrderResponse,
} from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import {
  openServices,
  openUpload,
  orderParts,
  type Services,
  send,
  submit,
  untilLockWaits,
} from './services.ts';
import { refusal } from './upstream-fixture.ts';

let services: Services;
beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

const sendParts = (parts: SubmitOrderRequest[]) => send(services.client, methods.submitOrder, parts);

async function count(table: string): Promise<number> {
  const rows = await services.store.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? 0;
}

/** Everything that a submission may change. */
async function stateOfShop() {
  const [products] = await services.store.query(
    'SELECT sum(stock) AS stock, sum(units_sold) AS sold FROM products',
  );
  const counts = await Promise.all(['orders', 'order_lines', 'outbox', 'idempotency_keys'].map(count));
  return { products, counts };
}

async function setStock(id: string, stock: number): Promise<void> {
  await services.store.query('UPDATE products SET stock = $2 WHERE id = $1', [id, stock]);
}

async function productOf(id: string) {
  const text = 'SELECT stock, units_sold, price_nanos FROM products WHERE id = $1';
  const [row] = await services.store.query<{ stock: number; units_sold: bigint; price_nanos: bigint }>(text, [
    id,
  ]);
  if (!row) throw new Error(`There is no ${id}.`);
  return row;
}

describe('submitOrder()', () => {
  it('commits the order, its lines at the price of now, the stock and the event', async () => {
    const before = [await productOf('product-11'), await productOf('product-12')] as const;
    const started = Date.now();
    const { order } = await submit(
      services,
      [
        ['product-12', 3],
        ['product-11', 1],
      ],
      { note: 'Ring twice.' },
    );
    const money = (nanos: bigint) => {
      return { currencyCode: 'EUR', units: nanos / 1_000_000_000n, nanos: Number(nanos % 1_000_000_000n) };
    };
    const [price11, price12] = [before[0].price_nanos, before[1].price_nanos];
    expect(order).toMatchObject({
      customerId: 'user-1',
      state: OrderState.ORDER_STATE_PENDING,
      note: 'Ring twice.',
      paymentId: '',
      total: money(price12 * 3n + price11),
      lines: [
        { number: 1, productId: 'product-12', quantity: 3, unitPrice: money(price12) },
        { number: 2, productId: 'product-11', quantity: 1, unitPrice: money(price11) },
      ],
    });
    expect(order?.createTime?.getTime()).toBeGreaterThanOrEqual(started - 1);
    expect(order?.updateTime).toEqual(order?.createTime);
    const after = [await productOf('product-11'), await productOf('product-12')] as const;
    expect(after.map(({ stock }) => stock)).toEqual([before[0].stock - 1, before[1].stock - 3]);
    expect(after.map(({ units_sold }) => units_sold)).toEqual([
      before[0].units_sold + 1n,
      before[1].units_sold + 3n,
    ]);
    const events = await services.store.query(
      `SELECT owner, payload FROM outbox WHERE topic = 'orders' AND subject = $1`,
      [order?.id],
    );
    expect(events).toEqual([{ owner: 'user-1', payload: { oldState: 0, newState: 1 } }]);
  });

  it('keeps the price of its time when the product becomes dearer', async () => {
    const { price_nanos } = await productOf('product-13');
    const { order } = await submit(services, [['product-13', 1]]);
    await services.store.query(`UPDATE products SET price_nanos = price_nanos * 2 WHERE id = 'product-13'`);
    const lines = await services.store.query('SELECT unit_price_nanos FROM order_lines WHERE order_id = $1', [
      order?.id,
    ]);
    expect(lines).toEqual([{ unit_price_nanos: price_nanos }]);
  });

  it('names every product that there is too little of, and nothing happens', async () => {
    await setStock('product-21', 2);
    await setStock('product-23', 0);
    const before = await stateOfShop();
    const refused = await refusal(
      submit(
        services,
        [
          ['product-23', 1],
          ['product-22', 1],
          ['product-21', 3],
        ],
        { idempotencyKey: 'out-of-stock-key-1' },
      ),
    );
    expect(refused).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'OUT_OF_STOCK',
      fields: ['lines[0].quantity', 'lines[2].quantity'],
      preconditions: ['OUT_OF_STOCK product-23', 'OUT_OF_STOCK product-21'],
    });
    expect(await stateOfShop()).toEqual(before);
  });

  it.each([
    [1, 'committed'],
    [2, 'committed'],
    [3, 'refused'],
  ])('%i of a stock of 2 are %s', async (quantity, outcome) => {
    await setStock('product-24', 2);
    const submitted = submit(services, [['product-24', quantity]]);
    if (outcome === 'refused') expect((await refusal(submitted)).reason).toBe('OUT_OF_STOCK');
    else await submitted;
    expect((await productOf('product-24')).stock).toBe(outcome === 'refused' ? 2 : 2 - quantity);
  });

  it('refuses lines in two currencies', async () => {
    await services.store.query(`UPDATE products SET currency_code = 'USD' WHERE id = 'product-25'`);
    const refused = await refusal(
      submit(services, [
        ['product-25', 1],
        ['product-26', 1],
      ]),
    );
    expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'MIXED_CURRENCIES' });
  });

  it('never deadlocks and never sells more than there is when 20 orders take two products in opposite order', async () => {
    await setStock('product-31', 30);
    await setStock('product-32', 30);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => {
        const lines = [
          ['product-31', 2],
          ['product-32', 2],
        ] as const;
        return submit(services, i % 2 === 0 ? lines : lines.toReversed());
      }),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBe(5);
    for (const { reason } of refused) {
      expect((await refusal(Promise.reject(reason))).reason).toBe('OUT_OF_STOCK');
    }
    expect([(await productOf('product-31')).stock, (await productOf('product-32')).stock]).toEqual([0, 0]);
  });

  it('would deadlock without the order of locks: the test above can fail', async () => {
    const { store } = services;
    const take = (first: string, second: string, barrier: () => Promise<void>) =>
      store.transaction(async (tx) => {
        await tx.query('SELECT FROM products WHERE id = $1 FOR NO KEY UPDATE', [first]);
        await barrier();
        await tx.query('SELECT FROM products WHERE id = $1 FOR NO KEY UPDATE', [second]);
      });
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    const barrier = () => {
      waiting++;
      if (waiting === 2) both.resolve();
      return both.promise;
    };
    const outcomes = await Promise.allSettled([
      take('product-31', 'product-32', barrier),
      take('product-32', 'product-31', barrier),
    ]);
    const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(codes).toEqual(['40P01']);
  });
});

describe('submitOrder() with an idempotency key', () => {
  it('gives the first answer again and sells once', async () => {
    const before = await productOf('product-41');
    const header = { idempotencyKey: 'order-key-0000001' };
    const first = await submit(services, [['product-41', 2]], header);
    const again = await submit(services, [['product-41', 2]], header);
    expect(again).toEqual(first);
    expect((await productOf('product-41')).stock).toBe(before.stock - 2);
  });

  it('sells once when 20 submit with one key at the same time', async () => {
    const before = await stateOfShop();
    const header = { idempotencyKey: 'order-key-0000002' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => submit(services, [['product-42', 1]], header)),
    );
    expect(new Set(answers.map(({ order }) => order?.id)).size).toBe(1);
    const after = await stateOfShop();
    expect(after.counts).toEqual(before.counts.map((n) => n + 1));
  });

  it('refuses the key for another order, and lets another customer use it', async () => {
    const header = { idempotencyKey: 'order-key-0000003' };
    const { order } = await submit(services, [['product-43', 1]], header);
    const reused = await refusal(submit(services, [['product-43', 2]], header));
    expect(reused).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'IDEMPOTENCY_KEY_REUSED' });
    const other = await submit(services, [['product-43', 1]], { ...header, customerId: 'user-2' });
    expect(other.order?.id).not.toBe(order?.id);
  });

  it('forgets the key of an order that failed', async () => {
    await setStock('product-44', 0);
    const header = { idempotencyKey: 'order-key-0000004' };
    expect((await refusal(submit(services, [['product-44', 1]], header))).reason).toBe('OUT_OF_STOCK');
    await setStock('product-44', 1);
    expect((await submit(services, [['product-44', 1]], header)).order?.state).toBe(1);
  });
});

describe('submitOrder() refuses', () => {
  const line = (productId: string, quantity: number): SubmitOrderRequest => {
    return { part: { $case: 'line', value: { productId, quantity } } };
  };
  const lines = (n: number) => Array.from({ length: n }, (_, i) => [`product-${i + 100}`, 1] as const);
  const [header] = orderParts([]);
  if (!header) throw new Error('orderParts() gave no header.');

  it.each<[string, SubmitOrderRequest[], string[]]>([
    ['nothing at all', [], ['header']],
    ['a line before the header', [line('product-1', 1), header], ['header']],
    ['a second header', [header, line('product-1', 1), header], ['header']],
    ['a part that is neither', [header, { part: undefined }], ['part']],
    ['no line', orderParts([]), ['lines']],
    ['101 lines', orderParts(lines(101)), ['lines']],
    ['10,000 lines', orderParts(lines(10_000)), ['lines']],
    [
      'a quantity of 0',
      orderParts([
        ['product-1', 1],
        ['product-2', 0],
      ]),
      ['lines[1].quantity'],
    ],
    ['a quantity below 0', orderParts([['product-1', -1]]), ['lines[0].quantity']],
    ['a quantity of 1,000', orderParts([['product-1', 1_000]]), ['lines[0].quantity']],
    [
      'a product twice',
      orderParts([
        ['product-1', 1],
        ['product-2', 1],
        ['product-1', 1],
      ]),
      ['lines[2].product_id'],
    ],
    ['no product', orderParts([['', 1]]), ['lines[0].product_id']],
    [
      'a zero character',
      orderParts([['product-\0', 1]], { note: '\0' }),
      ['header.note', 'lines[0].product_id'],
    ],
    [
      'products that do not exist',
      orderParts([
        ['x', 1],
        ['product-1', 1],
        ['y', 1],
      ]),
      ['lines[0].product_id', 'lines[2].product_id'],
    ],
    [
      'a customer that does not exist',
      orderParts(lines(1), { customerId: 'nobody' }),
      ['header.customer_id'],
    ],
    ['no customer', orderParts(lines(1), { customerId: '' }), ['header.customer_id']],
    [
      'a long note and a bad quantity',
      orderParts([['product-1', 0]], { note: 'x'.repeat(201) }),
      ['header.note', 'lines[0].quantity'],
    ],
    ['a short key', orderParts(lines(1), { idempotencyKey: 'x'.repeat(15) }), ['header.idempotency_key']],
    ['a long key', orderParts(lines(1), { idempotencyKey: 'x'.repeat(256) }), ['header.idempotency_key']],
    [
      'a key with a space',
      orderParts(lines(1), { idempotencyKey: 'sixteen or more!' }),
      ['header.idempotency_key'],
    ],
  ])('%s, and nothing happens', async (_, parts, fields) => {
    const before = await stateOfShop();
    expect(await refusal(sendParts(parts))).toMatchObject({ code: 'INVALID_ARGUMENT', fields });
    expect(await stateOfShop()).toEqual(before);
  });

  it.each([1, 99, 100])('not %i lines', async (n) => {
    await services.store.query('UPDATE products SET stock = greatest(stock, 1)');
    expect((await submit(services, lines(n))).order?.lines.length).toBe(n);
  });

  it.each([1, 998, 999])('not a quantity of %i', async (quantity) => {
    await setStock('product-51', quantity);
    expect((await submit(services, [['product-51', quantity]])).order?.lines[0]?.quantity).toBe(quantity);
  });

  it('not a note of 200 characters and a key of 16 or 255', async () => {
    await setStock('product-52', 2);
    for (const length of [16, 255]) {
      const key = 'Az0_.:-'.repeat(40).slice(0, length);
      const { order } = await submit(services, [['product-52', 1]], {
        note: 'ü'.repeat(200),
        idempotencyKey: key,
      });
      expect(order?.note.length).toBe(200);
    }
  });
});

describe('submitOrder() when the caller leaves', () => {
  function upload() {
    const { promise, resolve, reject } = Promise.withResolvers<SubmitOrderResponse>();
    const call = openUpload(services.client, methods.submitOrder, (error, response) => {
      if (error) reject(error);
      else if (response) resolve(response);
    });
    return { call, answer: promise };
  }

  it('commits nothing when that is before the end of the lines', async () => {
    const before = await stateOfShop();
    const { call, answer } = upload();
    for (const part of orderParts([['product-61', 1]])) {
      const written = Promise.withResolvers<void>();
      call.write(part, () => written.resolve());
      await written.promise;
    }
    call.cancel();
    expect((await refusal(answer)).code).toBe('CANCELLED');
    // A call on the same connection that comes after it: what the service does with the first, it has done.
    await submit(services, [['product-62', 1]]);
    const after = await stateOfShop();
    expect(after.counts).toEqual(before.counts.map((n, i) => n + (i < 3 ? 1 : 0)));
    expect((await productOf('product-61')).units_sold).toBe(await unitsInOrders('product-61'));
  });

  it('rolls back when that is while it waits for a product', async () => {
    const before = await productOf('product-63');
    const holding = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holder = services.store.transaction(async (tx) => {
      await tx.query(`SELECT FROM products WHERE id = 'product-63' FOR UPDATE`);
      holding.resolve();
      await release.promise;
    });
    await holding.promise;
    const { call, answer } = upload();
    for (const part of orderParts([['product-63', 1]])) call.write(part);
    call.end();
    await untilLockWaits(services, 1);
    call.cancel();
    expect((await refusal(answer)).code).toBe('CANCELLED');
    await untilLockWaits(services, 0);
    release.resolve();
    await holder;
    expect(await productOf('product-63')).toEqual(before);
  });

  async function unitsInOrders(productId: string): Promise<bigint | undefined> {
    const rows = await services.store.query<{ n: bigint }>(
      `SELECT sum(quantity) AS n FROM order_lines JOIN orders ON id = order_id WHERE product_id = $1 AND state <> 6`,
      [productId],
    );
    return rows[0]?.n;
  }
});
