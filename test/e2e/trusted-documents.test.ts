import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { documentIdOf } from '../../src/guard/documents/document-id.ts';
import { createBudgetPolicy, encodeNodeId, type WeirConfig } from '../../src/index.ts';
import { printPricedSchema } from '../../src/pothos/print-schema.ts';
import shopConfig from '../../weir.config.ts';
import { runClientPreset, runRelay } from '../kit/code-generators.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { createShopEvents } from '../kit/shop-events.ts';
import { codesOf, post, send } from '../kit/tiny-gateway.ts';

const root = join(import.meta.dirname, '../..');
const variants = ['web', 'mobile'] as const;
type VariantName = (typeof variants)[number];

const productId = encodeNodeId('Product', 'product-1');
const lines = [{ product: encodeNodeId('Product', 'product-3'), quantity: 1 }];

/** What the operations of the stored documents are asked with. */
const variablesOf: Readonly<Record<string, object>> = {
  Checkout: { input: { lines } },
  OrderDetails: { id: encodeNodeId('Order', 'order-1') },
  Pay: { input: { order: encodeNodeId('Order', 'order-1'), method: {} } },
  ProductPage: { id: productId },
  Room: { id: encodeNodeId('Room', 'room-1') },
  SalesReport: { from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' },
  Search: { text: 'a' },
  SendMessage: { input: { room: encodeNodeId('Room', 'room-1'), text: 'hello' } },
  UpdateProfile: { input: { displayName: 'Ada' } },
};

/** Two components, as they stand in the modules of a frontend. */
const modules: Readonly<Record<string, string>> = {
  product:
    'query productQuery($id: ID!) { product(id: $id) { title ...card_product } viewer { user { displayName } } }',
  card: `fragment card_product on Product
    @argumentDefinitions(size: { type: "Int", defaultValue: 2 }) {
      price { amount } reviews(first: $size) @connection(key: "card_reviews") { edges { node { rating } } } }`,
};

interface Stored {
  readonly manifests: readonly string[];
  /** Of Relay's query, as its artifact names it. */
  readonly relayIds: readonly string[];
}

let folder: string;
let shop: Shop;
let stored: Readonly<Record<VariantName, Stored>>;
/** The shop, with the generated documents among those that it trusts. */
let config: Partial<WeirConfig>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-generated-'));
  const made = async (variant: VariantName): Promise<Stored> => {
    const sdl = await writeSdl(variant);
    const preset = await runClientPreset(join(folder, variant), sdl, join(root, 'documents', variant));
    const relays = await Promise.all(
      [undefined, 'SHA256'].map((algorithm) =>
        runRelay(join(folder, `${variant}-relay-${algorithm}`), sdl, {
          modules,
          ...(algorithm && { algorithm }),
        }),
      ),
    );
    return {
      manifests: [preset, ...relays.map(({ manifest }) => manifest)],
      relayIds: await Promise.all(relays.map(({ idOf }) => idOf('productQuery'))),
    };
  };
  stored = { web: await made('web'), mobile: await made('mobile') };
  const trusting = (variant: VariantName) => {
    const own = shopConfig.variants[variant];
    const manifests = [...own.documents.manifests, ...stored[variant].manifests];
    return { ...own, documents: { allow: 'trusted', manifests } } as const;
  };
  config = { variants: { web: trusting('web'), mobile: trusting('mobile') } };
  shop = await startShop({ config });
}, 120_000);

/** What the frontends of a variant are built with. */
async function writeSdl(variant: VariantName): Promise<string> {
  const parsed = parseConfig(shopConfig, {});
  const settings = parsed.ok && parsed.settings.variants.find(({ name }) => name === variant);
  if (!settings) throw new Error(`expected the variant ${variant}`);
  await mkdir(join(folder, variant));
  const file = join(folder, variant, 'schema.graphql');
  await writeFile(file, printPricedSchema(settings.schema, settings.pages));
  return file;
}

afterAll(async () => {
  await shop?.close();
  await rm(folder, { recursive: true });
});

const urlOf = (variant: VariantName) => shop.url.replace('/graphql', `/${variant}/graphql`);
const scopes = 'orders:read payments:read chat:read users:read reports:read';

async function askAs(scope: string, variant: VariantName, body: Record<string, unknown>) {
  const authorization = `Bearer ${await shop.tokenOf('user-1', scope)}`;
  return post(urlOf(variant), body, { authorization });
}

async function manifestOf(file: string): Promise<readonly (readonly [string, string])[]> {
  return Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, string>);
}

describe.each(variants)('the documents of %s', (variant) => {
  it('of graphql-codegen run by their ids, each as its text does', async () => {
    const documents = await manifestOf(stored[variant].manifests[0] ?? '');
    expect(documents.length).toBeGreaterThanOrEqual(5);
    for (const [documentId, query] of documents) {
      const operation = getOperationAST(parse(query));
      if (operation?.operation !== OperationTypeNode.QUERY) continue;
      const variables = variablesOf[operation.name?.value ?? ''] ?? {};
      const byId = await askAs(scopes, variant, { documentId, variables });
      expect([operation.name?.value, byId.status, byId.json.errors]).toEqual([
        operation.name?.value,
        200,
        undefined,
      ]);
      const byText = await askAs(`${scopes} documents:any`, variant, { query: `${query} `, variables });
      expect(byId.json.data).toEqual(byText.json.data);
    }
  });

  it('of Relay run by the ids that its artifacts name, of either algorithm', async () => {
    expect(stored[variant].relayIds.map((id) => id.length)).toEqual([32, 64]);
    for (const documentId of stored[variant].relayIds) {
      const { status, json } = await askAs('', variant, { documentId, variables: { id: productId } });
      expect([status, json.errors]).toEqual([200, undefined]);
      expect(json.data).toMatchObject({
        product: { price: {}, reviews: { edges: [{ node: { rating: expect.any(Number) } }, {}] } },
        viewer: { user: {} },
      });
    }
  });

  it('are all that runs', async () => {
    expect(codesOf(await askAs(scopes, variant, { query: '{ __typename }' }))).toEqual([
      'DOCUMENT_NOT_TRUSTED',
    ]);
  });
});

describe('an id', () => {
  const idOf = async (variant: VariantName, name: string) => {
    const documents = await manifestOf(join(root, `documents/${variant}.json`));
    const [id = ''] = documents.find(([, text]) => getOperationAST(parse(text))?.name?.value === name) ?? [];
    return id;
  };

  it('is in the manifest of the shop as its text is on disk', async () => {
    const text = await readFile(join(root, 'documents/web/product-page.graphql'), 'utf8');
    expect(await idOf('web', 'ProductPage')).toBe(documentIdOf(text));
  });

  it('lets nobody do what they may not', async () => {
    const documentId = await idOf('web', 'OrdersPage');
    expect(codesOf(await post(shop.url, { documentId }))).toEqual(['UNAUTHENTICATED']);
    expect(codesOf(await askAs('', 'web', { documentId }))).toEqual(['FORBIDDEN']);
    const strangers = {
      documentId: await idOf('web', 'OrderDetails'),
      variables: variablesOf['OrderDetails'],
    };
    expect((await post(shop.url, strangers)).json.data).toEqual({ order: null });
  });

  it('costs what its text costs, from the same budget', async () => {
    const policy = createBudgetPolicy({ anonymous: { limitPoints: 100, restorePerSecond: 0.001 } });
    const metered = await startShop({ config, policy, environment: { WEIR_BUDGET_MODE: 'enforce' } });
    const query = await readFile(join(root, 'documents/web/product-list.graphql'), 'utf8');
    const costOf = ({ json }: Awaited<ReturnType<typeof post>>) => {
      const { extensions } = json as { extensions?: { cost: Record<string, unknown> } };
      return extensions?.cost;
    };
    const byText = costOf(await post(metered.url, { query }));
    const byId = costOf(await post(metered.url, { documentId: documentIdOf(query) }));
    expect(byId).toMatchObject({
      requestedQueryCost: byText?.['requestedQueryCost'],
      actualQueryCost: byText?.['actualQueryCost'],
    });
    const codes = [];
    while (codes.length < 20 && codes.at(-1) === undefined)
      codes.push(codesOf(await post(metered.url, { documentId: documentIdOf(query) }))[0]);
    expect(codes.at(-1)).toBe('RATE_LIMITED');
    expect(codes.length - 1).toBe(Math.floor(100 / Number(byText?.['actualQueryCost'])) - 2);
    await metered.close();
  });

  it("of a subscription is all that a browser's own EventSource needs", async () => {
    const { setPrice } = createShopEvents(shop);
    const variables = encodeURIComponent(JSON.stringify({ products: [productId] }));
    const source = new EventSource(
      `${urlOf('web')}/documents/${await idOf('web', 'PriceWatch')}?variables=${variables}`,
    );
    try {
      const prices: string[] = [];
      source.addEventListener('next', ({ data }) => {
        prices.push(JSON.parse(data).data.priceChanged.price.amount);
      });
      let units = 10;
      // It does not tell when it is live.
      await expect
        .poll(async () => {
          units += 1;
          await setPrice(productId, units);
          return prices.length;
        })
        .toBeGreaterThan(0);
      expect(prices[0]).toMatch(/^\d+\.00$/);
    } finally {
      source.close();
    }
  });

  it('113: makes an address that a cache may keep, where all of it is public', async () => {
    const get = async (name: string, headers: Record<string, string> = {}, given = variablesOf[name]) => {
      const variables = encodeURIComponent(JSON.stringify(given ?? {}));
      const variant = ['Profile', 'MyOrders'].includes(name) ? 'mobile' : 'web';
      const id = await idOf(variant, name);
      return send(`${urlOf(variant)}/documents/${id}?variables=${variables}`, { headers });
    };
    const kept = async (name: string) => (await get(name)).headers.get('cache-control');
    expect(await kept('ProductPage')).toBe('public, max-age=5');
    expect(await kept('ProductList')).toBe('public, max-age=5');
    expect(await kept('Search')).toBe('public, max-age=60');
    for (const name of ['OrderDetails', 'OrdersPage', 'Profile', 'MyOrders'])
      expect(await kept(name)).toBe('no-store');
    const first = await get('ProductPage');
    expect(first.json.data?.['product']).toMatchObject({ id: productId });
    const authorization = `Bearer ${await shop.tokenOf('user-2', scopes)}`;
    const etag = first.headers.get('etag') ?? '';
    // The same for everybody, so whoever asks has it already.
    const again = await get('ProductPage', { 'if-none-match': etag, authorization });
    expect([again.status, again.headers.get('etag')]).toEqual([304, etag]);
    // What is not there now may be there in a moment.
    const missing = await get('ProductPage', {}, { id: encodeNodeId('Product', 'product-0') });
    expect(missing.json.data).toMatchObject({ product: null });
    expect([missing.headers.get('cache-control'), missing.headers.get('etag')]).toEqual(['no-store', null]);
  });
});
