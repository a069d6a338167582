import { once } from 'node:events';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ChatServiceService as chatMethods,
  type WatchRoomResponse,
} from '../../upstream-protos/gen/shop/chat/v1/chat.ts';
import {
  OrderServiceService as methods,
  OrderState,
  type WatchOrdersRequest,
  type WatchOrdersResponse,
} from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import { ask, open, openServices, type Services, submit, untilLockWaits } from './services.ts';
import { refusal } from './upstream-fixture.ts';

const WRITERS = 8;

let services: Services;
const opened = new Set<ClientReadableStream<unknown>>();
beforeAll(async () => {
  services = await openServices();
  await services.store.query('UPDATE products SET stock = 100000');
});
afterEach(async () => {
  for (const stream of opened) stream.cancel();
  opened.clear();
  await untilNobodyListens();
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

async function untilNobodyListens(): Promise<void> {
  // A statement is a turn of the server's event loop.
  while (services.listeners() > 0) await services.store.query('SELECT 1');
}

function tracked<Res>(stream: ClientReadableStream<Res>): ClientReadableStream<Res> {
  opened.add(stream);
  stream.on('error', () => {}); // The cancellation in afterEach; who iterates hears of it there.
  return stream;
}

function watchOrders(request: Partial<WatchOrdersRequest> = {}): ClientReadableStream<WatchOrdersResponse> {
  const whole = { customerId: '', orderId: '', afterSequence: -1n, withStart: false, ...request };
  return tracked(open(services.client, methods.watchOrders, whole));
}

function watchRoom(
  roomId: string,
  afterSequence: bigint,
  withStart = false,
): ClientReadableStream<WatchRoomResponse> {
  return tracked(open(services.client, chatMethods.watchRoom, { roomId, afterSequence, withStart }));
}

/** Resolves when the service has settled from where it follows. */
async function following<Res>(stream: ClientReadableStream<Res>): Promise<ClientReadableStream<Res>> {
  await once(stream, 'metadata');
  return stream;
}

/** The next `count` messages; the stream stays open. */
async function take<Res>(stream: ClientReadableStream<Res>, count: number): Promise<Res[]> {
  const taken: Res[] = [];
  const messages: AsyncIterableIterator<Res> = stream.iterator({ destroyOnReturn: false });
  for await (const message of messages) if (taken.push(message) === count) break;
  return taken;
}

async function newOrder(customerId = 'user-1'): Promise<string> {
  const { order } = await submit(services, [['product-1', 1]], { customerId });
  return order?.id ?? '';
}

const cancel = (id: string) => ask(services.client, methods.cancelOrder, { id, reason: '' });

async function lastSequence(topic: string): Promise<bigint> {
  const text = 'SELECT last_sequence FROM outbox_topics WHERE topic = $1';
  const [row] = await services.store.query<{ last_sequence: bigint }>(text, [topic]);
  return row?.last_sequence ?? 0n;
}

const numbersAfter = (first: bigint, count: number) =>
  Array.from({ length: count }, (_, i) => first + BigInt(i + 1));

describe('watchOrders()', () => {
  it('tells of each change with the state before and after', async () => {
    const stream = await following(watchOrders());
    const first = await lastSequence('orders');
    const id = await newOrder('user-2');
    await cancel(id);
    const { ORDER_STATE_UNSPECIFIED, ORDER_STATE_PENDING, ORDER_STATE_CANCELLED } = OrderState;
    const base = { orderId: id, customerId: 'user-2', changeTime: expect.any(Date) };
    expect(await take(stream, 2)).toEqual([
      { ...base, sequence: first + 1n, oldState: ORDER_STATE_UNSPECIFIED, newState: ORDER_STATE_PENDING },
      { ...base, sequence: first + 2n, oldState: ORDER_STATE_PENDING, newState: ORDER_STATE_CANCELLED },
    ]);
  });

  it('gives every reader every sequence once and in order while 8 write, wherever it starts', async () => {
    const first = await lastSequence('orders');
    const changes = WRITERS * 25;
    const fromNow = await following(watchOrders());
    const fromStart = watchOrders({ afterSequence: 0n });
    const fromThere = watchOrders({ afterSequence: first });
    const write = async () => {
      for (let i = 0; i < 25; i++) await newOrder();
    };
    const writing = Promise.all(Array.from({ length: WRITERS }, write));
    // Starts in the middle of the writing: between what is kept and what comes there is no gap.
    const [head] = await take(fromNow, 1);
    const late = watchOrders({ afterSequence: head?.sequence ?? 0n });
    const seen = await Promise.all([
      take(fromNow, changes - 1),
      take(fromStart, Number(first) + changes),
      take(fromThere, changes),
      take(late, changes - 1),
    ]);
    await writing;
    const sequences = seen.map((events) => events.map(({ sequence }) => sequence));
    expect(sequences).toEqual([
      numbersAfter(first + 1n, changes - 1),
      numbersAfter(0n, Number(first) + changes),
      numbersAfter(first, changes),
      numbersAfter(first + 1n, changes - 1),
    ]);
  });

  it('waits for a change that holds a smaller number: none is overtaken', async () => {
    const stream = await following(watchOrders());
    const release = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<bigint>();
    const { store, outbox } = services;
    const append = (subject: string) => ({
      topic: 'orders',
      subject,
      owner: '',
      payload: { oldState: 1, newState: 2 },
    });
    const slow = store.transaction(async (tx) => {
      holding.resolve(await outbox.append(tx, append('slow')));
      await release.promise;
    });
    const held = await holding.promise;
    const fast = store.transaction((tx) => outbox.append(tx, append('fast')));
    await untilLockWaits(services, 1);
    release.resolve();
    await slow;
    expect(await fast).toBe(held + 1n);
    expect((await take(stream, 2)).map(({ orderId }) => orderId)).toEqual(['slow', 'fast']);
  });

  it('gives only what belongs to the customer, the order, or both', async () => {
    const streams = await Promise.all([
      following(watchOrders({ customerId: 'user-5' })),
      following(watchOrders({ customerId: 'user-5', afterSequence: await lastSequence('orders') })),
    ]);
    const theirs = await newOrder('user-6');
    const ours = await newOrder('user-5');
    const [byOrder, byBoth] = [
      watchOrders({ orderId: ours, afterSequence: 0n }),
      watchOrders({ orderId: ours, customerId: 'user-5', afterSequence: 0n }),
    ];
    await cancel(theirs);
    await cancel(ours);
    for (const stream of [...streams, byOrder, byBoth]) {
      const events = await take(stream, 2);
      expect(events.map(({ orderId, newState }) => [orderId, newState])).toEqual([
        [ours, 1],
        [ours, 6],
      ]);
    }
  });

  it('gives nothing for an order under another customer', async () => {
    const ours = await newOrder('user-5');
    const stream = watchOrders({ orderId: ours, customerId: 'user-6', afterSequence: 0n });
    const marker = watchOrders({ orderId: ours, afterSequence: 0n });
    const received: WatchOrdersResponse[] = [];
    stream.on('data', (event: WatchOrdersResponse) => received.push(event));
    await following(stream);
    await cancel(ours);
    await take(marker, 2);
    // A third watcher that starts after both have been told of the change.
    await following(watchOrders({ orderId: ours, customerId: 'user-6', afterSequence: 0n }));
    expect(received).toEqual([]);
  });

  it.each([
    ['past the end', 1n << 40n, 'OUT_OF_RANGE', 'SEQUENCE_UNKNOWN'],
    ['below -1', -2n, 'INVALID_ARGUMENT', undefined],
  ])('refuses a sequence %s', async (_, afterSequence, code, reason) => {
    const call = take(watchOrders({ afterSequence }), 1);
    expect(await refusal(call)).toMatchObject({ code, reason });
  });

  it('says so when what comes after the sequence is not kept any more', async () => {
    await newOrder();
    await newOrder();
    const last = await lastSequence('orders');
    await services.store.query(`DELETE FROM outbox WHERE topic = 'orders' AND sequence < $1`, [last]);
    const expired = await refusal(take(watchOrders({ afterSequence: last - 2n }), 1));
    expect(expired).toMatchObject({ code: 'OUT_OF_RANGE', reason: 'SEQUENCE_EXPIRED' });
    const kept = [
      await take(watchOrders({ afterSequence: last - 1n }), 1),
      await take(watchOrders({ afterSequence: 0n }), 1),
    ];
    expect(kept.flat().map(({ sequence }) => sequence)).toEqual([last, last]);
  });

  it('tells first from where it follows when it is asked to, and misses nothing after that', async () => {
    await newOrder();
    const last = await lastSequence('orders');
    const fromNow = watchOrders({ withStart: true });
    const fromThere = watchOrders({ withStart: true, afterSequence: last - 1n });
    const start = { orderId: '', customerId: '', oldState: 0, newState: 0, changeTime: undefined };
    expect(await take(fromNow, 1)).toEqual([{ ...start, sequence: last }]);
    expect(await take(fromThere, 1)).toEqual([{ ...start, sequence: last - 1n }]);
    await newOrder();
    expect(await take(fromNow, 1)).toMatchObject([{ sequence: last + 1n }]);
    expect(await take(fromThere, 2)).toMatchObject([{ sequence: last }, { sequence: last + 1n }]);
  });

  it('stops listening when the caller leaves', async () => {
    const stream = await following(watchOrders());
    expect(services.listeners()).toBe(1);
    stream.cancel();
    await untilNobodyListens();
  });

  it('ends its SQL when the caller leaves', async () => {
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holder = services.store.transaction(async (tx) => {
      await tx.query('LOCK TABLE outbox_topics IN ACCESS EXCLUSIVE MODE');
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const stream = watchOrders();
    await untilLockWaits(services, 1);
    const since = performance.now();
    stream.cancel();
    await untilLockWaits(services, 0);
    expect(performance.now() - since).toBeLessThan(1_000);
    await untilNobodyListens();
    release.resolve();
    await holder;
  });
});

describe('watchRoom()', () => {
  const send = (roomId: string, text: string) =>
    ask(services.client, chatMethods.sendMessage, { roomId, authorId: 'user-1', text, idempotencyKey: '' });

  it('gives the messages of the seed as they are listed, then each that is sent', async () => {
    const last = await lastSequence('room:room-1');
    const page = { pageSize: 500, afterToken: '', beforeToken: '', direction: 0, skip: 0 } as const;
    const { messages } = await ask(services.client, chatMethods.listMessages, { roomId: 'room-1', page });
    const stream = watchRoom('room-1', 0n);
    expect((await take(stream, 500)).map(({ message }) => message)).toEqual(messages);
    const { message } = await send('room-1', 'Grüezi 🌊');
    const rest = await take(stream, Number(last) - 500 + 1);
    expect(rest.at(-1)).toEqual({ message, sequence: message?.sequence });
  });

  it('tells first from where it follows when it is asked to', async () => {
    const last = await lastSequence('room:room-1');
    const stream = watchRoom('room-1', -1n, true);
    expect(await take(stream, 1)).toEqual([{ sequence: last, message: undefined }]);
    await send('room-1', 'After the start');
    expect(await take(stream, 1)).toMatchObject([{ sequence: last + 1n, message: { sequence: last + 1n } }]);
  });

  it('gives every message once and in order while 8 send, and none of another room', async () => {
    const first = await lastSequence('room:room-2');
    const stream = watchRoom('room-2', first);
    const sendMany = async (room: string) => {
      for (let i = 0; i < 25; i++) await send(room, `${i}`);
    };
    await following(stream);
    const writing = Promise.all(
      Array.from({ length: WRITERS }, (_, i) => sendMany(i % 2 ? 'room-3' : 'room-2')),
    );
    const seen = await take(stream, 100);
    await writing;
    expect(seen.map(({ message }) => message?.sequence)).toEqual(numbersAfter(first, 100));
    expect(seen.every(({ message }) => message?.roomId === 'room-2')).toBe(true);
  });

  it('answers NOT_FOUND when there is no such room', async () => {
    const refused = await refusal(take(watchRoom('room-0', 0n), 1));
    expect(refused).toMatchObject({ code: 'NOT_FOUND', resource: 'room-0' });
  });
});
