import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Identify } from '../../src/identity/identify.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';
import { readTcpTable } from '../../src/transport/tcp-table.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type RedisServer, startRedisServer } from '../kit/redis-server.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { createShopEvents, type ShopEvents } from '../kit/shop-events.ts';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';
import { type Received, subscribeByEventSource, subscribeByWs } from '../kit/subscriber.ts';
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts';
import { openWs } from '../kit/ws-wire.ts';
import { openWire } from '../transport/wire.ts';

const query = 'subscription { event }';
const subscribe = (id: string) => ({ id, type: 'subscribe', payload: { query } });
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function openSse(server: StreamServer) {
  const wire = await openWire(server.url);
  const path = `/graphql?query=${encodeURIComponent(query)}`;
  wire.send(`GET ${path} HTTP/1.1`, 'Host: a', 'Accept: text/event-stream', '', '');
  await server.topic.untilRunning(1);
  return wire;
}

describe('WebSocket', () => {
  it('73: a subscribe before the acknowledgement closes with 4401, and nothing runs', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl, { init: false });
    ws.send(subscribe('1'));
    expect(await ws.closed).toMatchObject({ code: 4401 });
    expect(server.contexts).toEqual([]);
  });

  it.each(['graphql-ws', 'subscriptions-transport-ws'])(
    '74: the subprotocol %s is refused',
    async (legacy) => {
      await using server = await openStreamServer();
      const socket = new WebSocket(server.wsUrl, [legacy]);
      socket.on('error', () => {});
      const [, response] = await once(socket, 'unexpected-response');
      expect(response.statusCode).toBe(400);
      response.destroy();
    },
  );

  it('76: a second connection_init closes with 4429', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send({ type: 'connection_init' });
    expect(await ws.closed).toMatchObject({ code: 4429 });
  });

  it('83: an id that is in use closes with 4409, and its subscription is ended once', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 });
    ws.send(subscribe('1'));
    expect(await ws.closed).toMatchObject({ code: 4409 });
    expect(ws.messages).toContainEqual({ id: '1', type: 'next', payload: { data: { n: 1 } } });
    expect(server.ends).toEqual([{ reason: 'client', transport: 'ws' }]);
  });

  it('84: a token that expires closes with 4403 within 5 s, unless a fresh one comes in time', async () => {
    const clock = createFakeClock();
    let goodForMs = 8000;
    const identify: Identify = () => {
      const expiresAtMs = clock.wallMs() + goodForMs;
      return verifiedPrincipal({
        subject: 'a',
        tenant: null,
        client: null,
        scopes: new Set(),
        issuedAtMs: 0,
        expiresAtMs,
      });
    };
    await using server = await openStreamServer({ clock, identify });
    await using refreshing = await openWs(server.wsUrl);
    await using ws = await openWs(server.wsUrl);
    for (const each of [refreshing, ws]) each.send(subscribe('1'));
    await server.topic.untilRunning(2);
    goodForMs = 3_600_000;
    refreshing.send({ type: 'ping', payload: { authorization: 'Bearer fresh' } });
    await refreshing.until({ type: 'pong' });
    clock.advance(8000);
    expect(server.ends).toEqual([]);
    clock.advance(1000);
    expect(await ws.closed).toMatchObject({ code: 4403 });
    expect(server.topic.running()).toHaveLength(1);
  });
});

describe('86: a peer that is gone without a word', () => {
  it('is found within 30 s when it has a WebSocket', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock });
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    ws.socket.pause();
    clock.advance(12_500);
    clock.advance(10_500);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'ws' }]);
    ws.socket.resume();
  });

  it('is found within 30 s when it has an event stream', async () => {
    const clock = createFakeClock();
    let isCut = false;
    /** As the kernel tells of this connection once its packets are lost: `npm run bench -- gone` loses them indeed. */
    const silent = async () =>
      (await readTcpTable()).replaceAll(/ 01 (\S+) \S+ \S+ /g, ' 01 $1 01:00000001 00000001 ');
    let looks = 0;
    const readTable = async () => {
      const table = await (isCut ? silent() : readTcpTable());
      looks += 1;
      return table;
    };
    await using server = await openStreamServer({ clock, readTcpTable: readTable });
    await using wire = await openSse(server);
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 2500) {
        const before = looks;
        clock.advance(2500);
        while (looks === before) await turn();
        await turn();
      }
    };
    await pass(30_000);
    expect(server.ends).toEqual([]);
    isCut = true;
    await pass(10_000);
    expect(server.ends).toEqual([]);
    await pass(2500);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'sse' }]);
    await wire.closed;
  });
});

it('88: an event stream is told every 12 s that it is alive, and no proxy may keep it', async () => {
  const clock = createFakeClock();
  await using server = await openStreamServer({ clock });
  await using wire = await openSse(server);
  const head = await wire.until(/\r\n\r\n/);
  expect(head).toMatch(/x-accel-buffering: no/i);
  expect(head).toMatch(/cache-control: no-store, no-transform/i);
  await wire.until(/\n:live\n\n$/);
  clock.advance(12_500);
  await wire.until(/:live\n\n:\n\n$/);
  clock.advance(12_500);
  await wire.until(/:live\n\n:\n\n:\n\n$/);
});

describe('event streams that go on', () => {
  let server: RedisServer;
  let line: TcpProxy;
  let shop: Shop;
  let events: ShopEvents;
  /** Its Redis is at the other end of `line`. */
  let url: string;
  const orders = 'subscription { orders { order { id } } }';

  beforeAll(async () => {
    server = await startRedisServer();
    line = await startTcpProxy(server.port);
    shop = await startShop({ environment: { REDIS_URL: server.url } });
    events = createShopEvents(shop);
    await shop.store.query('UPDATE products SET stock = 100000');
    ({ url } = await shop.addGateway({ REDIS_URL: `redis://127.0.0.1:${line.port}` }));
  });
  afterAll(async () => {
    await shop?.close();
    await line?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const orderOf = ({ data }: Received) =>
    (data as { orders: { order: { id: string } } } | null | undefined)?.orders.order.id;

  it('88: a Last-Event-ID that was forged or is of somebody else is refused, and opens nothing', async () => {
    await using mine = subscribeByEventSource(url, { query: orders, token: await shop.tokenOf('user-1') });
    const { cursor = '' } = await mine.live;
    const changed = cursor.slice(0, -1) + (cursor.endsWith('A') ? 'B' : 'A');
    for (const [as, resume] of [
      ['user-1', changed],
      ['user-1', 'W10'],
      ['user-2', cursor],
    ] as const) {
      shop.calls.length = 0;
      await using forged = subscribeByEventSource(url, {
        query: orders,
        token: await shop.tokenOf(as),
        resume,
      });
      await forged.ended;
      expect(forged.received).toMatchObject([{ errors: [{ extensions: { code: 'INVALID_CURSOR' } }] }]);
      expect(shop.calls).toEqual([]);
    }
  });

  it.each([
    ['WebSocket', subscribeByWs],
    ['EventSource', subscribeByEventSource],
  ] as const)(
    '91: what is announced while Redis is cut off comes after it, once and in order: %s',
    async (_by, by) => {
      const as = 'user-3';
      await using near = by(shop.url, { query: orders, token: await shop.tokenOf(as) });
      await using far = by(url, { query: orders, token: await shop.tokenOf(as) });
      await Promise.all([near.live, far.live]);
      const made = [await events.submitOrder(as)];
      expect(orderOf(await far.next())).toBe(made[0]);
      line.pause();
      for (let count = 0; count < 5; count += 1) made.push(await events.submitOrder(as));
      // They were announced, and another gateway has told of them.
      for (const order of made) expect(orderOf(await near.next())).toBe(order);
      line.reset();
      line.resume();
      for (const order of made.slice(1)) expect(orderOf(await far.next())).toBe(order);
      const last = await events.submitOrder(as);
      expect(orderOf(await far.next())).toBe(last);
    },
  );
});
