import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { type Shop, startShop } from '../kit/shop.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
  // No order can be submitted with so many lines, and no product is seeded with so many pictures.
  await shop.store.query('DELETE FROM order_lines WHERE order_id = ANY($1)', [['order-100', 'order-101']]);
  await shop.store.query(
    `INSERT INTO order_lines SELECT 'order-' || lines, number, 'product-' || number, 1, 1
     FROM (VALUES (100), (101)) AS orders (lines), generate_series(1, lines) AS number`,
  );
  await shop.store.query(
    `UPDATE products SET image_urls = array_fill('https://example.com/'::text, ARRAY[n])
     FROM (VALUES ('product-20', 20), ('product-21', 21)) AS given (product, n) WHERE id = product`,
  );
});

afterAll(() => shop?.close());

const order = (id: string) => encodeNodeId('Order', id);
const code = (errors: readonly { readonly extensions?: unknown }[] | undefined) =>
  errors?.map(({ extensions }) => extensions);

describe('a list of the shop', () => {
  it('is given when it is as long as declared', async () => {
    const { data, errors } = await shop.ask<{ order: { lines: unknown[] }; product: { images: unknown[] } }>(
      `{ order(id: "${order('order-100')}") { lines(first: 100) { number } }
         product(id: "${encodeNodeId('Product', 'product-20')}") { images } }`,
    );
    expect(errors).toBeUndefined();
    expect([data?.order.lines.length, data?.product.images.length]).toEqual([100, 20]);
  });

  it('is an error when the service sends more than it documents', async () => {
    const { data, errors } = await shop.ask(
      `{ product(id: "${encodeNodeId('Product', 'product-21')}") { id images } }`,
    );
    // The list may not be null, so what it belongs to is.
    expect(data).toEqual({ product: null });
    expect(code(errors)).toMatchObject([{ code: 'INTERNAL_SERVER_ERROR' }]);
    expect(JSON.stringify(errors)).not.toContain('items');
    const causes = shop.logged.flatMap(({ err }) =>
      err instanceof Error && err.cause instanceof Error ? [err.cause.message] : [],
    );
    expect(causes.join('\n')).toContain('Product.images gave 21 items');
  });

  it('is as long as it is asked for', async () => {
    const lines = (first: unknown) =>
      `order(id: "${order('order-101')}") { lines(first: ${first}) { number } }`;
    const { data, errors } = await shop.ask<Record<string, { lines: unknown[] }>>(
      `{ none: ${lines(0)} two: ${lines(2)} unsaid: ${lines(null)} all: ${lines(100)} }`,
    );
    expect(errors).toBeUndefined();
    const lengths = Object.entries(data ?? {}).map(([name, { lines: given }]) => [name, given.length]);
    expect(Object.fromEntries(lengths)).toEqual({ none: 0, two: 2, unsaid: 20, all: 100 });
    for (const first of [-1, 101]) {
      const refused = await shop.ask(`{ ${lines(first)} }`);
      expect(code(refused.errors)).toMatchObject([{ code: 'PAGE_SIZE', argument: 'first', maximum: 100 }]);
    }
  });
});
