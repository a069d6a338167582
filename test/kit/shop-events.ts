import { randomUUID } from 'node:crypto';
import { encodeNodeId } from '../../src/index.ts';
import { changePrice } from '../../upstreams/catalog.ts';
import { createOutbox } from '../../upstreams/outbox.ts';
import type { Caller, Shop } from './shop.ts';

/** What makes events of a shop happen, as its users do. */
export interface ShopEvents {
  /** Orders one piece of product-1; answers the global id of the order. */
  readonly submitOrder: (caller: Caller) => Promise<string>;
  readonly cancelOrder: (caller: Caller, id: string) => Promise<void>;
  readonly sendMessage: (caller: Caller, room: string, text: string) => Promise<void>;
  readonly setTyping: (caller: Caller, room: string) => Promise<void>;
  /** Sets the price of a product, by its global id, behind the scenes. */
  readonly setPrice: (product: string, units: number) => Promise<void>;
}

const submit = `mutation ($product: ID!) { submitOrder(input: { lines: [{ product: $product, quantity: 1 }] }) {
  ... on OrderSubmitted { order { id } } } }`;
const cancel =
  'mutation ($order: ID!) { cancelOrder(input: { order: $order }) { ... on OrderCancelled { order { id } } } }';
const send =
  'mutation ($room: ID!, $text: String!) { sendMessage(input: { room: $room, text: $text }) { message { id } } }';
const type = 'mutation ($room: ID!) { setTyping(room: $room) }';

export function createShopEvents(shop: Shop): ShopEvents {
  const { store } = shop;
  const outbox = createOutbox({ store });
  const mutate = async (caller: Caller, query: string, variables: Record<string, unknown>) => {
    const { data, errors } = await shop.ask<Record<string, { order?: { id: string } }>>(query, variables, {
      authorization: await authorizationOf(shop, caller),
      'idempotency-key': randomUUID(),
    });
    if (errors) throw new AggregateError(errors, `The mutation failed: ${JSON.stringify(errors)}`);
    return data;
  };
  return {
    submitOrder: async (caller) => {
      const data = await mutate(caller, submit, { product: encodeNodeId('Product', 'product-1') });
      return data?.['submitOrder']?.order?.id ?? '';
    },
    cancelOrder: async (caller, order) => void (await mutate(caller, cancel, { order })),
    sendMessage: async (caller, room, text) => void (await mutate(caller, send, { room, text })),
    setTyping: async (caller, room) => void (await mutate(caller, type, { room })),
    setPrice: async (product, units) => {
      const id = Buffer.from(product, 'base64url').toString().replace('Product:', '');
      const price = { currencyCode: 'EUR', units: BigInt(units), nanos: 0 };
      await changePrice({ store, outbox }, id, price);
    },
  };
}

async function authorizationOf(shop: Shop, caller: Caller): Promise<string | null> {
  if (caller === null) return null;
  const { sub, scope } = typeof caller === 'string' ? { sub: caller, scope: '' } : caller;
  return `Bearer ${await shop.tokenOf(sub, scope)}`;
}
