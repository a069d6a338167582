import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop } from '../kit/shop.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

const decoders = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync } as const;
const codings = Object.keys(decoders) as (keyof typeof decoders)[]; // as: the keys of the table above

/** The stored page of 20 orders as it comes over the wire; by Node's own client, which undoes no coding. */
async function page(coding: string): Promise<{ readonly bytes: Buffer; readonly coding: unknown }> {
  const query = await readFile(join(import.meta.dirname, '../../documents/web/orders-page.graphql'), 'utf8');
  const client = request(shop.url, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${await shop.tokenOf('operator', 'orders:read users:read')}`,
      'content-type': 'application/json',
      'accept-encoding': coding,
    },
  });
  client.end(JSON.stringify({ query }));
  const [response] = await once(client, 'response');
  return { bytes: await buffer(response), coding: response.headers['content-encoding'] };
}

describe('a page of 20 orders', () => {
  it.each(codings)('is at least 5 times smaller in %s, and the same', async (coding) => {
    const plain = await page('identity');
    expect(plain.coding).toBeUndefined();
    const compressed = await page(coding);
    expect(compressed.coding).toBe(coding);
    expect(plain.bytes.length / compressed.bytes.length).toBeGreaterThan(5);
    const orders = (bytes: Buffer) => JSON.parse(bytes.toString()).data.orders;
    expect(orders(plain.bytes).edges).toHaveLength(20);
    expect(orders(decoders[coding](compressed.bytes))).toEqual(orders(plain.bytes));
  });
});
