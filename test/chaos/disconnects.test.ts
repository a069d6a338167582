import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRandom, pickOne, type Random } from '../../seed/random.ts';
import { encodeNodeId } from '../../src/index.ts';
import type { Fault } from '../../upstreams/faults.ts';
import { busyMs } from '../kit/busy.ts';
import { figuresOf, printFigures } from './figures.ts';
import { type Operation, sendOperation } from './http-client.ts';
import type { ServedCall } from './watched-services.ts';
import { startWatchedShop, type WatchedShop } from './watched-shop.ts';

/** Another seed leaves at other points. */
const seed = 20_260_301;
const operationCount = 200;
const concurrency = 10;
/** After each the gateway is looked at. */
const rounds = 5;
/** The client leaves at any time from here back to the moment of sending. */
const latestLeaveMs = 60;
/** Of how many operations not even the body is sent to its end. */
const unfinishedShare = 0.1;
/** Within which of the client's leaving the service knows, at the median. */
const cancelSeenMs = 100;
/** Within which of the last leaving of a round nothing is left running, at the median. */
const quietMs = 1_000;

/** Methods that never end a call by themselves: each call of theirs ends by the client's leaving or not at all. */
const hanging: Readonly<Record<string, Fault>> = {
  'UserService/BatchGetUsers': { hang: true },
  'OrderService/ListOrders': { hang: true, afterMessages: 2 },
  'OrderService/SubmitOrder': { hang: true },
  'OrderService/SyncOrders': { hang: true, afterMessages: 1 },
};

const order = encodeNodeId('Order', 'order-1');
const product = encodeNodeId('Product', 'product-1');

/** Each kind of call, and an operation that nothing holds up, which may be over when the client leaves. */
const operations: readonly Operation[] = [
  { query: '{ products(first: 3) { edges { node { title } } } viewer { user { displayName } } }' },
  { query: '{ orders(first: 20) { edges { node { id } } } }' },
  {
    query: `mutation ($product: ID!) {
      submitOrder(input: { lines: [{ product: $product, quantity: 1 }] }) { __typename } }`,
    variables: { product },
  },
  {
    query: `mutation ($order: ID!) { syncOrders(events: [
      { id: "1", order: $order, kind: PACKED }, { id: "2", order: $order, kind: PACKED }]) { id } }`,
    variables: { order },
  },
  { query: '{ products(first: 50) { edges { node { title reviews(first: 5) { totalCount } } } } }' },
];

let shop: WatchedShop;
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  shop = await startWatchedShop();
  process.on('unhandledRejection', note).on('uncaughtException', note);
});

afterAll(async () => {
  process.off('unhandledRejection', note).off('uncaughtException', note);
  await shop?.[Symbol.asyncDispose]();
});

/** When each operation's client left, by request id. */
type Left = Map<string, number>;

/** Sends operations and destroys their sockets, one after the other. */
async function leaveAgainAndAgain(random: Random, count: number, left: Left): Promise<void> {
  const authorization = await shop.bearerOf('user-1', 'orders:read orders:write');
  for (let index = 0; index < count; index += 1) {
    const requestId = crypto.randomUUID();
    const operation = pickOne(random, operations);
    const headers = { authorization, 'x-request-id': requestId };
    const bodyShare = random() < unfinishedShare ? random() : 1;
    const { request, answer } = sendOperation(shop.url, false, { ...operation, headers, bodyShare });
    const settled = answer.then(
      () => undefined,
      () => undefined,
    );
    await after(random() * latestLeaveMs);
    left.set(requestId, performance.now());
    request.destroy();
    await settled;
  }
}

/** How long the service worked on for nobody. */
function seenMs({ cancelledMs = Number.NaN, startedMs, requestId }: ServedCall, left: Left): number {
  return cancelledMs - Math.max(startedMs, left.get(requestId) ?? Number.NaN);
}

describe('a client that disconnects', () => {
  it(`cancels every call, at random points of ${operationCount} operations`, async () => {
    for (const [method, fault] of Object.entries(hanging)) shop.faults.set(method, fault);
    const left: Left = new Map();
    const quietAfterMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const lanes = Array.from({ length: concurrency }, (_, lane) =>
        leaveAgainAndAgain(
          createRandom(seed, 'user', round * concurrency + lane),
          operationCount / rounds / concurrency,
          left,
        ),
      );
      await Promise.all(lanes);
      const lastLeftMs = performance.now();
      await vi.waitFor(async () => expect(await shop.running()).toEqual([]), {
        timeout: quietMs + 4 * busyMs,
        interval: 20,
      });
      quietAfterMs.push(performance.now() - lastLeftMs);
    }

    expect(left.size).toBe(operationCount);
    const held = shop.served.filter(({ method }) => Object.hasOwn(hanging, method));
    // All of the four kinds were met, and each of their calls ended by its cancellation.
    expect(new Set(held.map(({ method }) => method))).toEqual(new Set(Object.keys(hanging)));
    expect(held.filter(({ cancelledMs }) => cancelledMs === undefined)).toEqual([]);
    const seen = figuresOf(held.map((call) => seenMs(call, left)));
    printFigures(`clients that disconnect, seed ${seed}`, {
      operations: left.size,
      calls: shop.served.length,
      cancelled: shop.served.filter(({ cancelledMs }) => cancelledMs !== undefined).length,
      answered: shop.served.filter(({ cancelledMs }) => cancelledMs === undefined).length,
      cancelSeenMs: seen,
      quietAfterMs: figuresOf(quietAfterMs),
    });
    expect(seen.p50).toBeLessThanOrEqual(cancelSeenMs);
    expect(figuresOf(quietAfterMs).p50).toBeLessThanOrEqual(quietMs);
    // Each operation that made a call has ended, and the log tells of it once.
    const ended = shop.lines.map((line): string => JSON.parse(line).requestId);
    expect(ended).toHaveLength(new Set(ended).size);
    expect(shop.served.filter(({ requestId }) => !ended.includes(requestId))).toEqual([]);
  });

  it('harms nobody else: the gateway serves, and nothing was thrown past it', async () => {
    shop.faults.clear();
    const headers = { authorization: await shop.bearerOf('user-1') };
    const query = '{ viewer { user { id } } }';
    const { text } = await sendOperation(shop.url, false, { query, headers }).answer;
    expect(JSON.parse(text)).toEqual({
      data: { viewer: { user: { id: encodeNodeId('User', 'user-1') } } },
    });
    expect(unhandled).toEqual([]);
    expect(shop.lines.filter((line) => !line.includes('"msg":"operation"'))).toEqual([]);
  });
});
