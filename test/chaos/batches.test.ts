import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import { codesOf, openTinyGateway } from '../kit/tiny-gateway.ts';
import { shelfById, type TinyContext } from '../kit/tiny-schema.ts';
import { printFigures } from './figures.ts';
import { sendOperation } from './http-client.ts';
import { startWatchedShop, type WatchedShop } from './watched-shop.ts';

let shop: WatchedShop;
let authorization: string;

beforeAll(async () => {
  shop = await startWatchedShop();
  authorization = await shop.bearerOf('user-1', 'orders:read');
});

afterAll(() => shop?.[Symbol.asyncDispose]());

afterEach(() => shop.faults.clear());

interface Refusal {
  readonly path: readonly (string | number)[];
  readonly extensions: { readonly code: string };
}

async function ask(query: string, variables: object = {}) {
  shop.served.length = 0;
  const { text } = await sendOperation(shop.url, false, { query, variables, headers: { authorization } })
    .answer;
  const body: { data: Record<string, unknown>; errors?: readonly Refusal[] } = JSON.parse(text);
  return { data: body.data, errors: body.errors ?? [], calls: shop.served.map(({ method }) => method) };
}

const ids = { one: encodeNodeId('Product', 'product-1'), two: encodeNodeId('Product', 'product-2') };
const twoProducts = `query ($one: ID!, $two: ID!) {
  one: product(id: $one) { id } two: product(id: $two) { id } viewer { user { id } } }`;
const batch = 'CatalogService/BatchGetProducts';

describe('a batch that several fields share', () => {
  it('answers both', async () => {
    const { data, errors, calls } = await ask(twoProducts, ids);
    expect(errors).toEqual([]);
    expect(data).toMatchObject({ one: { id: ids.one }, two: { id: ids.two } });
    expect(calls.filter((method) => method === batch)).toHaveLength(1);
  });

  it('fails both with the same code when its call fails, and the rest stands', async () => {
    shop.faults.set(batch, { code: 'FAILED_PRECONDITION' });
    const { data, errors, calls } = await ask(twoProducts, ids);
    expect(calls.filter((method) => method === batch)).toHaveLength(1);
    expect(data).toEqual({ one: null, two: null, viewer: { user: { id: encodeNodeId('User', 'user-1') } } });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['one'], 'FAILED_PRECONDITION'],
      [['two'], 'FAILED_PRECONDITION'],
    ]);
  });

  it('fails the keys of its failed call alone when it needs two', async () => {
    const query = `{ products(first: 100, order: BESTSELLING) { edges { node {
      reviews(first: 40) { edges { node { author { displayName } } } } } } } }`;
    // Of the calls that the authors need, one fails.
    shop.faults.set('UserService/BatchGetUsers', { code: 'INTERNAL', times: 1 });
    const { data, errors, calls } = await ask(query);
    const userCalls = calls.filter((method) => method === 'UserService/BatchGetUsers').length;
    expect(userCalls).toBeGreaterThan(1);
    const text = JSON.stringify(data);
    const failed = text.match(/"author":null/g)?.length ?? 0;
    const answered = text.match(/"author":\{"displayName":"/g)?.length ?? 0;
    printFigures('one of the calls of a batch fails', { calls: userCalls, failed, answered });
    expect(failed).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(0);
    // An answer tells of 50, and then that there were more.
    const codes = errors.map(({ extensions }) => extensions.code);
    expect(codes.pop()).toBe('TOO_MANY_ERRORS');
    expect(codes).toEqual(Array.from({ length: 50 }, () => 'INTERNAL_SERVER_ERROR'));
  });

  it('goes on for the others when a client leaves that asks for the same', async () => {
    shop.faults.set(batch, { delayMs: 150 });
    shop.served.length = 0;
    const operation = { query: twoProducts, variables: ids, headers: { authorization } };
    const leaving = sendOperation(shop.url, false, operation);
    const staying = sendOperation(shop.url, false, operation);
    const left = leaving.answer.catch((error: Error) => error);
    await vi.waitFor(() => expect(shop.served.filter(({ method }) => method === batch)).toHaveLength(2));
    leaving.request.destroy();
    expect(await left).toBeInstanceOf(Error);
    const { text } = await staying.answer;
    expect(JSON.parse(text).errors).toBeUndefined();
    expect(JSON.parse(text).data).toMatchObject({ one: { id: ids.one }, two: { id: ids.two } });
    const calls = shop.served.filter(({ method }) => method === batch);
    expect(calls.map(({ cancelledMs }) => cancelledMs !== undefined).toSorted()).toEqual([false, true]);
  });

  it('goes on for a field when another one gives up on the same key', async () => {
    const givenUp = Promise.withResolvers<void>();
    await using tiny = await openTinyGateway({ schema: impatientSchema(givenUp.resolve) });
    const release = Promise.withResolvers<void>();
    tiny.service.behave('getShelves', (_call, reply) => {
      const rows = [{ id: '1', label: 'Shelf 1' }];
      void release.promise.then(() => reply(null, { rows } as never)); // as: the codec is JSON
    });
    const called = tiny.service.nextCall('getShelves');
    const asked = tiny.ask('{ impatient patient }');
    await called;
    await givenUp.promise;
    release.resolve();
    const answer = await asked;
    expect(answer.json.data).toEqual({ impatient: null, patient: 'Shelf 1' });
    expect(codesOf(answer)).toEqual(['CANCELLED']);
    expect(tiny.service.calls).toHaveLength(1);
  });
});

/** Two fields of one key, of which `impatient` waits for 20 ms only and then says so. */
const impatientSchema = (onGivenUp: () => void) =>
  new GraphQLSchema({
    query: new GraphQLObjectType<unknown, TinyContext>({
      name: 'Query',
      fields: {
        impatient: {
          type: GraphQLString,
          resolve: async (_root, _args, context) => {
            const shelf = context.load(shelfById, '1');
            const signal = AbortSignal.timeout(20);
            const { promise: gone, reject } = Promise.withResolvers<never>();
            signal.addEventListener('abort', () => {
              onGivenUp();
              reject(new DOMException('Nobody waits for this field.', 'AbortError'));
            });
            return (await Promise.race([shelf, gone]))?.label;
          },
        },
        patient: {
          type: GraphQLString,
          resolve: async (_root, _args, context) => (await context.load(shelfById, '1'))?.label,
        },
      },
    }),
  });
