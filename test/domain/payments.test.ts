import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Order } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import {
  type CreatePaymentRequest,
  PaymentServiceService as methods,
  PaymentState,
} from '../../upstream-protos/gen/shop/payments/v1/payments.ts';
import { ask, openServices, type Services, submit } from './services.ts';
import { refusal } from './upstream-fixture.ts';

const CARD = { $case: 'card', value: { brand: 'visa', lastFour: '4242' } } as const;

let services: Services;
let keys = 0;
beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

const create = (request: CreatePaymentRequest) =>
  ask(services.client, methods.createPayment, request).then(({ payment }) => payment);
const batchGet = (ids: string[]) =>
  ask(services.client, methods.batchGetPayments, { ids }).then(({ payments }) => payments);

async function newOrder(): Promise<Order> {
  await services.store.query(`UPDATE products SET stock = 1000 WHERE id = 'product-1'`);
  const { order } = await submit(services, [['product-1', 2]]);
  if (!order) throw new Error('The answer has no order.');
  return order;
}

/** A request that pays an order, with a key of its own. */
function payOf({ id, total }: Order): CreatePaymentRequest {
  keys++;
  return { idempotencyKey: `payment-key-${keys}`.padEnd(20, '.'), orderId: id, amount: total, method: CARD };
}

async function orderRow(id: string) {
  const text = 'SELECT state, payment_id FROM orders WHERE id = $1';
  return (await services.store.query<{ state: number; payment_id: string }>(text, [id]))[0];
}

async function paymentsOf(orderId: string): Promise<number> {
  return (await services.store.query('SELECT FROM payments WHERE order_id = $1', [orderId])).length;
}

describe('createPayment()', () => {
  it('takes the money, marks the order and tells of it', async () => {
    const order = await newOrder();
    const payment = await create(payOf(order));
    expect(payment).toMatchObject({
      orderId: order.id,
      amount: order.total,
      state: PaymentState.PAYMENT_STATE_CAPTURED,
      method: CARD,
    });
    expect(await orderRow(order.id)).toEqual({ state: 2, payment_id: payment?.id });
    const events = await services.store.query(
      `SELECT owner, payload FROM outbox WHERE topic = 'orders' AND subject = $1 ORDER BY sequence`,
      [order.id],
    );
    expect(events.at(-1)).toEqual({ owner: 'user-1', payload: { oldState: 1, newState: 2 } });
    expect(events.length).toBe(2);
    expect(await batchGet([payment?.id ?? ''])).toEqual([payment]);
  });

  it('pays once when 200 ask with one key at the same time, and answers all the same', async () => {
    const order = await newOrder();
    const request = payOf(order);
    const answers = await Promise.all(Array.from({ length: 200 }, () => create(request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await paymentsOf(order.id)).toBe(1);
  });

  it('pays once when 20 ask with 20 keys at the same time', async () => {
    const order = await newOrder();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => create(payOf(order))));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBe(19);
    for (const { reason } of refused)
      expect((await refusal(Promise.reject(reason))).reason).toBe('ORDER_NOT_PAYABLE');
    expect(await paymentsOf(order.id)).toBe(1);
  });

  it('answers a key again after the order has gone on', async () => {
    const order = await newOrder();
    const request = payOf(order);
    const first = await create(request);
    await services.store.query('UPDATE orders SET state = 5 WHERE id = $1', [order.id]);
    expect(await create(request)).toEqual(first);
  });

  it('refuses a key for another payment', async () => {
    const order = await newOrder();
    const request = payOf(order);
    await create(request);
    const other: CreatePaymentRequest = { ...request, method: { $case: 'voucher', value: { code: 'GIFT' } } };
    expect(await refusal(create(other))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it.each([
    ['one nano more', { units: 0n, nanos: 1 }],
    ['one nano less', { units: 0n, nanos: -1 }],
    ['nothing', { units: -1n, nanos: 0 }],
  ])('refuses %s than the total, and the key stays free', async (_, { units, nanos }) => {
    const order = await newOrder();
    const total = (order.total?.units ?? 0n) * 1_000_000_000n + BigInt(order.total?.nanos ?? 0);
    const wrong = units < 0n ? 0n : total + BigInt(nanos);
    const amount = {
      currencyCode: 'EUR',
      units: wrong / 1_000_000_000n,
      nanos: Number(wrong % 1_000_000_000n),
    };
    const request = payOf(order);
    expect(await refusal(create({ ...request, amount }))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'AMOUNT_MISMATCH',
      preconditions: [`AMOUNT_MISMATCH ${order.id}`],
    });
    expect(await orderRow(order.id)).toEqual({ state: 1, payment_id: '' });
    expect((await create(request))?.orderId).toBe(order.id);
  });

  it('refuses another currency', async () => {
    const order = await newOrder();
    const amount = { currencyCode: 'USD', units: order.total?.units ?? 0n, nanos: order.total?.nanos ?? 0 };
    expect((await refusal(create({ ...payOf(order), amount }))).reason).toBe('AMOUNT_MISMATCH');
  });

  it.each([2, 3, 4, 5, 6])('refuses an order in the state %i', async (state) => {
    const order = await newOrder();
    await services.store.query('UPDATE orders SET state = $2 WHERE id = $1', [order.id, state]);
    expect(await refusal(create(payOf(order)))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'ORDER_NOT_PAYABLE',
    });
    expect(await paymentsOf(order.id)).toBe(0);
  });

  it('answers NOT_FOUND when there is no such order', async () => {
    const request = { ...payOf(await newOrder()), orderId: 'order-0' };
    const refused = await refusal(create(request));
    expect(refused).toMatchObject({ code: 'NOT_FOUND', resource: 'order-0' });
  });

  const faults: [string, Partial<CreatePaymentRequest>, string[]][] = [
    ['a key of 15 characters', { idempotencyKey: 'x'.repeat(15) }, ['idempotency_key']],
    ['a key of 256 characters', { idempotencyKey: 'x'.repeat(256) }, ['idempotency_key']],
    ['a key with a line break at its end', { idempotencyKey: `${'x'.repeat(16)}\n` }, ['idempotency_key']],
    ['no key', { idempotencyKey: '' }, ['idempotency_key']],
    ['no order', { orderId: '' }, ['order_id']],
    ['no amount', { amount: undefined }, ['amount']],
    ['an amount of two signs', { amount: { currencyCode: 'EUR', units: 1n, nanos: -1 } }, ['amount']],
    ['no method', { method: undefined }, ['method']],
    [
      'a card with too many digits',
      { method: { $case: 'card', value: { brand: '', lastFour: '42424' } } },
      ['card.brand', 'card.last_four'],
    ],
    [
      'a bank without a name',
      { method: { $case: 'bankTransfer', value: { bankName: '', accountSuffix: '0001' } } },
      ['bank_transfer.bank_name'],
    ],
    ['a voucher without a code', { method: { $case: 'voucher', value: { code: '' } } }, ['voucher.code']],
  ];
  it.each(faults)('refuses %s', async (_, part, fields) => {
    const order = await newOrder();
    const refused = await refusal(create({ ...payOf(order), ...part }));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields });
    expect(await orderRow(order.id)).toEqual({ state: 1, payment_id: '' });
  });

  it.each([16, 255])('takes a key of %i characters', async (length) => {
    const order = await newOrder();
    const idempotencyKey = 'Az0_.:-'.repeat(40).slice(0, length);
    expect((await create({ ...payOf(order), idempotencyKey }))?.orderId).toBe(order.id);
  });
});

describe('batchGetPayments()', () => {
  it.each<NonNullable<CreatePaymentRequest['method']>>([
    CARD,
    { $case: 'bankTransfer', value: { bankName: 'Banco Río', accountSuffix: '0042' } },
    { $case: 'voucher', value: { code: 'GIFT-0001' } },
  ])('gives back the method $$case', async (method) => {
    const payment = await create({ ...payOf(await newOrder()), method });
    expect(payment?.method).toEqual(method);
    expect(await batchGet([payment?.id ?? ''])).toEqual([payment]);
  });

  it('reads each method that the seed writes, and leaves out what is not there', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `payment-${i + 1}`);
    const payments = await batchGet([...ids, 'payment-0']);
    expect(payments.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(new Set(payments.map(({ method }) => method?.$case))).toEqual(
      new Set(['card', 'bankTransfer', 'voucher']),
    );
    for (const { method } of payments) {
      expect(Object.values(method?.value ?? {}).every((text) => text.length > 0)).toBe(true);
    }
  });

  it.each([0, 501])('refuses %i ids', async (count) => {
    const ids = Array.from({ length: count }, (_, i) => `payment-${i}`);
    expect(await refusal(batchGet(ids))).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['ids'] });
  });
});
