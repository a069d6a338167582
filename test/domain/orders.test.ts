import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PageDirection,
  type PageInfo,
  type PageRequest,
} from '../../upstream-protos/gen/shop/common/v1/page.ts';
import {
  OrderServiceService as methods,
  type Order,
  type OrderFilter,
  OrderState,
} from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { ask, collect, contend, lockOf, open, openServices, type Services, submit } from './services.ts';
import { refusal } from './upstream-fixture.ts';

const { PAGE_DIRECTION_FORWARD, PAGE_DIRECTION_BACKWARD } = PageDirection;
const ANY: OrderFilter = { customerId: '', state: OrderState.ORDER_STATE_UNSPECIFIED };

let services: Services;
beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

const getOrder = (id: string, readMask?: string[]) =>
  ask(services.client, methods.getOrder, { id, readMask }).then(({ order }) => order);

interface OrderPage {
  readonly orders: Order[];
  readonly info: PageInfo;
  /** Case of each message. */
  readonly cases: (string | undefined)[];
}

async function listOrders(
  page: Partial<PageRequest> = {},
  filter: OrderFilter | undefined = undefined,
  readMask: string[] = ['id'],
): Promise<OrderPage> {
  const all = {
    pageSize: 0,
    afterToken: '',
    beforeToken: '',
    direction: PAGE_DIRECTION_FORWARD,
    skip: 0,
    ...page,
  };
  const messages = await collect(open(services.client, methods.listOrders, { page: all, filter, readMask }));
  const last = messages.at(-1)?.item;
  if (last?.$case !== 'page') throw new Error('The last message is not the page.');
  const orders = messages.flatMap(({ item }) => (item?.$case === 'order' ? [item.value] : []));
  return { orders, info: last.value, cases: messages.map(({ item }) => item?.$case) };
}

const idsOf = ({ orders }: OrderPage) => orders.map(({ id }) => id);

/** The ids of a list, straight from the table. */
async function idsFromTable(where: string, values: unknown[] = []): Promise<string[]> {
  const text = `SELECT id FROM orders WHERE ${where} ORDER BY create_time DESC, id DESC`;
  const rows = await services.store.query<{ id: string }>(text, values);
  return rows.map(({ id }) => id);
}

describe('getOrder()', () => {
  it('gives an order as the tables hold it when no mask is given', async () => {
    const [row] = await services.store.query<{
      customer_id: string;
      state: number;
      total_nanos: bigint;
      create_time: Date;
    }>(`SELECT * FROM orders WHERE id = 'order-17'`);
    const lines = await services.store.query(
      `SELECT number, product_id AS "productId", quantity FROM order_lines WHERE order_id = 'order-17' ORDER BY number`,
    );
    const order = await getOrder('order-17');
    expect(order).toMatchObject({ id: 'order-17', customerId: row?.customer_id, state: row?.state, lines });
    expect(order?.createTime).toEqual(row?.create_time);
    const sum = order?.lines.reduce((nanos, { unitPrice, quantity }) => {
      return (
        nanos + ((unitPrice?.units ?? 0n) * 1_000_000_000n + BigInt(unitPrice?.nanos ?? 0)) * BigInt(quantity)
      );
    }, 0n);
    expect(sum).toBe(row?.total_nanos);
    expect(order?.total).toEqual({
      currencyCode: 'EUR',
      units: (row?.total_nanos ?? 0n) / 1_000_000_000n,
      nanos: Number((row?.total_nanos ?? 0n) % 1_000_000_000n),
    });
  });

  it('keeps amounts beyond 2^53 exact', async () => {
    await services.store.query(
      `UPDATE order_lines SET unit_price_nanos = 9007199254740993 WHERE order_id = 'order-18' AND number = 1`,
    );
    const order = await getOrder('order-18', ['lines']);
    expect(order?.lines[0]?.unitPrice).toEqual({
      currencyCode: 'EUR',
      units: 9_007_199n,
      nanos: 254_740_993,
    });
  });

  it.each([
    [['state'], ['state'], 'id, state'],
    [['note', 'customer_id'], ['note', 'customerId'], 'id, note, customer_id'],
    [['lines.quantity'], ['lines'], 'id, currency_code, lines'],
    [['lines', 'total'], ['lines', 'total'], 'id, currency_code, lines, total_nanos'],
  ])('fills and selects only what the mask %j names', async (mask, fields, columns) => {
    services.statements.length = 0;
    const order = await getOrder('order-19', mask);
    const full = await getOrder('order-19');
    const picked = Object.fromEntries(
      ['id', ...fields].map((field) => [field, full?.[field as keyof Order]]),
    ); // Named above.
    const empty = { customerId: '', state: 0, lines: [], paymentId: '', note: '' };
    const absent = { total: undefined, createTime: undefined, updateTime: undefined };
    expect(order).toEqual({ ...empty, ...absent, ...picked });
    const selected = services.statements[0]?.text.replace(/\(\s*SELECT.*\) AS lines/s, 'lines');
    expect(selected).toBe(`SELECT ${columns} FROM orders WHERE id = ANY($1)`);
    expect(services.statements.length).toBe(2);
  });

  it('refuses a mask with an unknown field', async () => {
    const refused = await refusal(getOrder('order-1', ['id', 'colour']));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['read_mask'] });
  });

  it('answers NOT_FOUND with the order when there is none', async () => {
    const refused = await refusal(getOrder('order-0'));
    expect(refused).toMatchObject({ code: 'NOT_FOUND', resource: 'order-0' });
  });
});

describe('batchGetOrders()', () => {
  const batchGet = (ids: string[], readMask: string[] = ['id']) =>
    ask(services.client, methods.batchGetOrders, { ids, readMask }).then(({ orders }) => orders);

  it('gives each order that exists once, with its own lines, in one statement', async () => {
    services.statements.length = 0;
    const orders = await batchGet(['order-5', 'nothing', 'order-3', 'order-5'], ['lines']);
    expect(services.statements.length).toBe(1);
    expect(orders.map(({ id }) => id).toSorted()).toEqual(['order-3', 'order-5']);
    for (const order of orders) expect(order.lines).toEqual((await getOrder(order.id))?.lines);
  });

  it.each([
    [0, 'refused'],
    [1, 'answered'],
    [499, 'answered'],
    [500, 'answered'],
    [501, 'refused'],
  ])('%i ids are %s', async (count, outcome) => {
    const ids = Array.from({ length: count }, (_, i) => `order-${i + 1}`);
    if (outcome === 'answered') return expect((await batchGet(ids)).length).toBe(count);
    expect(await refusal(batchGet(ids))).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['ids'] });
  });
});

describe('listOrders()', () => {
  it('sends the rows, newest first, then the page', async () => {
    const page = await listOrders({ pageSize: 20 });
    expect(page.cases).toEqual([...Array.from({ length: 20 }, () => 'order'), 'page']);
    expect(idsOf(page)).toEqual((await idsFromTable('true')).slice(0, 20));
    expect(page.info).toMatchObject({ hasBefore: false, hasAfter: true });
    expect(page.info.rowTokens.length).toBe(20);
  });

  const filters: [string, OrderFilter, string, unknown[]][] = [
    ['all', ANY, 'true', []],
    ['a customer', { ...ANY, customerId: 'user-1' }, 'customer_id = $1', ['user-1']],
    ['a state', { ...ANY, state: OrderState.ORDER_STATE_CANCELLED }, 'state = $1', [6]],
    [
      'a customer and a state',
      { customerId: 'user-1', state: OrderState.ORDER_STATE_DELIVERED },
      'customer_id = $1 AND state = $2',
      ['user-1', 5],
    ],
  ];

  it.each(filters)('walks %s forward without a gap or a repetition', async (_, filter, where, values) => {
    const walked: string[] = [];
    for (let afterToken = '', more = true; more; ) {
      const page = await listOrders({ pageSize: 500, afterToken }, filter);
      walked.push(...idsOf(page));
      afterToken = page.info.nextPageToken;
      more = afterToken !== '';
    }
    expect(walked).toEqual(await idsFromTable(where, values));
  });

  it.each(filters)('walks %s backward to the same rows', async (_, filter, where, values) => {
    const walked: string[][] = [];
    for (let beforeToken = '', more = true; more; ) {
      const page = await listOrders(
        { pageSize: 500, beforeToken, direction: PAGE_DIRECTION_BACKWARD },
        filter,
      );
      walked.unshift(idsOf(page));
      beforeToken = page.info.nextPageToken;
      more = beforeToken !== '';
    }
    expect(walked.flat()).toEqual(await idsFromTable(where, values));
  });

  it('reads as many rows on page 1 as 15,000 orders deep, whatever the filter', async () => {
    for (const [, filter, where, values] of filters) {
      const ids = await idsFromTable(where, values);
      const deep = Math.min(15_000, Math.floor(ids.length * 0.75));
      const token = await tokenAt(filter, deep);
      const read: number[] = [];
      for (const afterToken of ['', token]) {
        services.statements.length = 0;
        await listOrders({ pageSize: 20, afterToken }, filter, ['id', 'lines']);
        const statement = services.statements.find(({ text }) => text.includes('ORDER BY create_time'));
        read.push(await rowsRead(statement?.text ?? '', statement?.values ?? []));
      }
      expect(read).toEqual([21, 21]);
    }
  });

  it('counts more rows for an offset: the measure of the test above can fail', async () => {
    const read = await rowsRead(
      'SELECT id FROM orders ORDER BY create_time DESC, id DESC LIMIT 21 OFFSET 15000',
      [],
    );
    expect(read).toBe(15_021);
  });

  it('refuses a token of another filter', async () => {
    const { info } = await listOrders({ pageSize: 1 }, { ...ANY, customerId: 'user-1' });
    const refused = await refusal(listOrders({ afterToken: info.rowTokens[0] ?? '' }, ANY));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['page.after_token'] });
  });

  it('refuses a state that is none', async () => {
    // What a newer client may send.
    const filter = { ...ANY, state: 7 as OrderState };
    expect(await refusal(listOrders({}, filter))).toMatchObject({ fields: ['filter.state'] });
  });

  async function tokenAt(filter: OrderFilter, depth: number): Promise<string> {
    let token = '';
    for (let walked = 0; walked < depth; ) {
      const { info } = await listOrders(
        { pageSize: Math.min(500, depth - walked), afterToken: token },
        filter,
      );
      walked += info.rowTokens.length;
      token = info.nextPageToken;
    }
    return token;
  }
});

describe('cancelOrder()', () => {
  const cancel = (id: string, reason = '') =>
    ask(services.client, methods.cancelOrder, { id, reason }).then(({ order }) => order);
  const productOf = async (id: string) => {
    const text = 'SELECT stock, units_sold FROM products WHERE id = $1';
    return (await services.store.query<{ stock: number; units_sold: bigint }>(text, [id]))[0];
  };

  it('gives the stock back, and tells of it', async () => {
    const before = await productOf('product-7');
    const { order } = await submit(services, [['product-7', 2]]);
    expect(await productOf('product-7')).toEqual({
      stock: (before?.stock ?? 0) - 2,
      units_sold: (before?.units_sold ?? 0n) + 2n,
    });
    const cancelled = await cancel(order?.id ?? '', 'Changed my mind.');
    expect(cancelled).toMatchObject({
      id: order?.id,
      state: OrderState.ORDER_STATE_CANCELLED,
      lines: order?.lines,
    });
    expect(await productOf('product-7')).toEqual(before);
    const [event] = await services.store.query(
      `SELECT owner, payload FROM outbox WHERE topic = 'orders' AND subject = $1 ORDER BY sequence DESC LIMIT 1`,
      [order?.id],
    );
    expect(event).toEqual({
      owner: 'user-1',
      payload: { oldState: 1, newState: 6, reason: 'Changed my mind.' },
    });
  });

  it('gives the money back when the order was paid', async () => {
    const [paid] = await services.store.query<{ id: string; payment_id: string }>(
      'SELECT id, payment_id FROM orders WHERE state = 2 LIMIT 1',
    );
    const cancelled = await cancel(paid?.id ?? '');
    expect(cancelled?.paymentId).toBe(paid?.payment_id);
    const payments = await services.store.query('SELECT state FROM payments WHERE id = $1', [
      paid?.payment_id,
    ]);
    expect(payments).toEqual([{ state: 2 }]);
  });

  it.each([
    ['shipped', 4, 'ORDER_STATE_SHIPPED'],
    ['delivered', 5, 'ORDER_STATE_DELIVERED'],
    ['cancelled', 6, 'ORDER_STATE_CANCELLED'],
  ])('refuses an order that is %s already, and changes nothing', async (_, state, name) => {
    const [row] = await services.store.query<{ id: string }>(
      'SELECT id FROM orders WHERE state = $1 LIMIT 1',
      [state],
    );
    const id = row?.id ?? '';
    const before = await getOrder(id);
    expect(await refusal(cancel(id))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'ORDER_NOT_CANCELLABLE',
      metadata: { state: name },
      fields: [],
      preconditions: [`ORDER_NOT_CANCELLABLE ${id}`],
    });
    expect(await getOrder(id)).toEqual(before);
  });

  it('gives the stock back once when two cancel at the same time', async () => {
    const before = await productOf('product-8');
    const { order } = await submit(services, [['product-8', 1]]);
    const id = order?.id ?? '';
    const outcomes = await contend(services, lockOf(id), () => [cancel(id), cancel(id)]);
    expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await productOf('product-8')).toEqual(before);
  });

  it('never deadlocks when 20 orders of two products in opposite order are cancelled among 20 new ones', async () => {
    await services.store.query(`UPDATE products SET stock = 100 WHERE id IN ('product-9', 'product-10')`);
    const submitBoth = (i: number) => {
      const lines = [
        ['product-9', 1],
        ['product-10', 2],
      ] as const;
      return submit(services, i % 2 === 0 ? lines : lines.toReversed());
    };
    const twenty = Array.from({ length: 20 }, (_, i) => i);
    const orders = await Promise.all(twenty.map(submitBoth));
    await Promise.all(orders.flatMap(({ order }, i) => [cancel(order?.id ?? ''), submitBoth(i)]));
    expect((await productOf('product-9'))?.stock).toBe(80);
    expect((await productOf('product-10'))?.stock).toBe(60);
  });

  it('answers NOT_FOUND when there is no such order', async () => {
    expect((await refusal(cancel('order-0'))).code).toBe('NOT_FOUND');
  });

  it.each([
    [199, 'answered'],
    [200, 'answered'],
    [201, 'refused'],
  ])('a reason of %i characters is %s', async (length, outcome) => {
    // Outside the basic plane: two UTF-16 units each.
    const refused = await refusal(cancel('order-0', '🌊'.repeat(length)));
    expect(refused.code).toBe(outcome === 'refused' ? 'INVALID_ARGUMENT' : 'NOT_FOUND');
  });
});

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows of `orders` that a statement looks at, by Postgres' own count. */
async function rowsRead(text: string, values: readonly unknown[]): Promise<number> {
  const [row] = await services.store.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  );
  if (!row) throw new Error('Postgres gave no plan.');
  return nodesOf(row['QUERY PLAN'][0].Plan)
    .filter((node) => node['Relation Name'] === 'orders')
    .reduce(
      (sum, node) =>
        sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    );
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
