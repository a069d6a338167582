import { once } from 'node:events';
import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  CatalogServiceClient,
  type Product,
  type WatchPricesResponse,
} from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { changePrice } from '../../upstreams/catalog.ts';
import { createFaults, type RowFault, setFaultsFromJson } from '../../upstreams/faults.ts';
import { answer, refusal, startUpstreams, type UpstreamFixture } from './upstream-fixture.ts';

const METHOD = 'CatalogService/BatchGetProducts';
const IDS = ['product-1', 'product-2', 'product-3', 'product-4', 'product-5'];

describe('changeRows()', () => {
  const response = { products: IDS.map((id) => ({ id })), note: 'kept' };
  const change = (fault: RowFault, seed = 1) =>
    createFaults(seed)
      .changeRows(fault, response)
      .products.map(({ id }) => id);

  it('changeRows() drops, doubles and adds as many rows as it is told', () => {
    expect(change({ drop: 2 })).toHaveLength(3);
    expect(change({ drop: 9 })).toEqual([]);
    const doubled = change({ duplicate: 2 });
    expect(doubled).toHaveLength(7);
    expect(new Set(doubled).size).toBe(5);
    expect(change({ foreign: 2 })).toEqual([...IDS, 'foreign-1', 'foreign-2']);
  });

  it('changeRows() keeps the order unless it is to shuffle', () => {
    expect(change({ drop: 1 })).toEqual(IDS.filter((id) => change({ drop: 1 }).includes(id)));
    expect(change({ shuffle: true })).not.toEqual(IDS);
    expect(change({ shuffle: true }).toSorted()).toEqual(IDS);
  });

  it('changeRows() does the same for the same seed, and something else for another', () => {
    expect(change({ shuffle: true, drop: 1 }, 7)).toEqual(change({ shuffle: true, drop: 1 }, 7));
    expect(change({ shuffle: true }, 7)).not.toEqual(change({ shuffle: true }, 8));
  });

  it('changeRows() takes an answer whose rows are of products', () => {
    const pages = { pages: [{ productId: 'product-1' }] };
    expect(createFaults().changeRows({ foreign: 1 }, pages).pages[1]).toEqual({ productId: 'foreign-1' });
  });

  it('changeRows() throws when there is not one repeated field', () => {
    expect(() => createFaults().changeRows({ drop: 1 }, { a: [], b: [] })).toThrow('one repeated field');
  });
});

describe('setFaultsFromJson()', () => {
  it('setFaultsFromJson() sets what the text says, by path or short name', () => {
    const faults = createFaults();
    setFaultsFromJson(faults, '{"/shop.users.v1.UserService/UpdateUser": {"code": "ABORTED"}}');
    expect(faults.take('UserService/UpdateUser')).toMatchObject({ code: 'ABORTED' });
    expect(faults.take('/shop.users.v1.UserService/UpdateUser')).toBeDefined();
    expect(faults.take('UserService/BatchGetUsers')).toBeUndefined();
  });

  it.each([
    '[1]',
    '{"a": {"dealyMs": 1}}',
    '{"a": {"delayMs": -1}}',
    '{"a": {"code": "NOPE"}}',
    '{"a": {"rows": {"drop": "x"}}}',
    '1',
    '{',
  ])('setFaultsFromJson() refuses %s', (json) => {
    expect(() => setFaultsFromJson(createFaults(), json)).toThrow();
  });
});

describe('faults of a running service', () => {
  let shop: UpstreamFixture;
  let client: CatalogServiceClient;

  beforeAll(async () => {
    shop = await startUpstreams();
    client = shop.client(CatalogServiceClient);
  });
  afterEach(() => shop.faults.clear());
  afterAll(() => shop.close());

  function get(deadlineMs = 5_000) {
    return answer<{ products: Product[] }>((done) =>
      client.batchGetProducts(
        { ids: IDS, readMask: ['id'] },
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        done,
      ),
    );
  }

  it('a delay delays, and no fault does not (control)', async () => {
    await get();
    const timed = async () => {
      const startMs = performance.now();
      await get();
      return performance.now() - startMs;
    };
    expect(await timed()).toBeLessThan(200);
    shop.faults.set(METHOD, { delayMs: 200 });
    expect(await timed()).toBeGreaterThanOrEqual(199);
    shop.faults.clear(METHOD);
    expect(await timed()).toBeLessThan(200);
  });

  it('a code is answered as often as it is to be', async () => {
    shop.faults.set(METHOD, { code: 'UNAVAILABLE', times: 2 });
    const expected = { code: 'UNAVAILABLE', reason: 'INJECTED_FAULT' };
    expect(await refusal(get())).toMatchObject(expected);
    expect(await refusal(get())).toMatchObject(expected);
    expect((await get()).products).toHaveLength(5);
  });

  it('rows are dropped, doubled and foreign on the wire', async () => {
    shop.faults.set(METHOD, { rows: { drop: 1, duplicate: 1, foreign: 1, shuffle: true } });
    const ids = (await get()).products.map(({ id }) => id);
    expect(ids).toHaveLength(6);
    expect(ids).toContain('foreign-1');
    expect(new Set(ids).size).toBe(5);
  });

  it('a hanging method answers nothing until the deadline', async () => {
    shop.faults.set(METHOD, { hang: true });
    expect(await refusal(get(150))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('a disconnect breaks the connection, and the next call has a new one', async () => {
    shop.faults.set(METHOD, { disconnect: true, times: 1 });
    expect(await refusal(get())).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await get()).products).toHaveLength(5);
  });

  it('a stream breaks after as many messages as it is told', async () => {
    for (let units = 1n; units <= 3n; units++) {
      await changePrice(shop, 'product-1', { currencyCode: 'EUR', units, nanos: 0 });
    }
    shop.faults.set('CatalogService/WatchPrices', { afterMessages: 2, code: 'UNAVAILABLE' });
    const call = client.watchPrices({ productIds: [], afterSequence: 0n, withStart: false });
    const seen: WatchPricesResponse[] = [];
    call.on('data', (message: WatchPricesResponse) => seen.push(message));
    const [error] = await once(call, 'error');
    expect(error).toMatchObject({ code: status.UNAVAILABLE });
    expect(seen.map(({ newPrice }) => newPrice?.units)).toEqual([1n, 2n]);
  });

  it('an unforeseen error is INTERNAL without a word of it, and logged', async () => {
    shop.faults.set('CatalogService/ListReviews', { rows: { drop: 1 } });
    await shop.store.query('ALTER TABLE reviews RENAME TO hidden');
    const call = answer((done) => client.listReviews({ productId: 'product-1', page: undefined }, done));
    expect(await refusal(call)).toEqual({
      code: 'INTERNAL',
      message: 'Internal error.',
      metadata: {},
      fields: [],
      reason: undefined,
      resource: undefined,
      preconditions: [],
    });
    await shop.store.query('ALTER TABLE hidden RENAME TO reviews');
    expect(shop.logged.join('\n')).toContain('relation "reviews" does not exist');
  });
});
