import { describe, expect, it } from 'vitest';
import { Connections, type LongConnection } from '../../src/transport/connections.ts';
import { drainConnections } from '../../src/transport/drain.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openStreamServer } from '../kit/stream-server.ts';
import { openWs } from '../kit/ws-wire.ts';
import { openWire } from './wire.ts';

const limits = { maxConnections: 10_000, maxConnectionsPerPrincipal: 10_000, maxConnectsPerSecond: 10_000 };
const turn = () => new Promise((resolve) => setImmediate(resolve));
const event = { id: '1', type: 'subscribe', payload: { query: 'subscription { event }' } };

/** Connections that leave when they are told to, and when that was. */
function crowd(count: number, nowMs: () => number, leaves = true) {
  const connections = new Connections(limits, createFakeClock());
  const drainedMs: number[] = [];
  const order: number[] = [];
  let destroyed = 0;
  for (let at = 0; at < count; at += 1) {
    let isDrained = false;
    const connection: LongConnection = {
      peer: '',
      drain: () => {
        if (isDrained) return;
        isDrained = true;
        drainedMs.push(nowMs());
        order.push(at);
        if (leaves) connections.open.delete(connection);
      },
      endIfRevoked: () => false,
      destroy: () => {
        destroyed += 1;
        connections.open.delete(connection);
      },
    };
    connections.open.add(connection);
  }
  return { connections, drainedMs, order, destroyed: () => destroyed };
}

describe('drainConnections()', () => {
  it('sends 2,000 away over the window, never faster than twice the mean', async () => {
    const clock = createFakeClock();
    const { connections, drainedMs, order } = crowd(2000, clock.nowMs);
    let isDone = false;
    const drained = drainConnections(connections, { windowMs: 30_000, clock, random: Math.random }).then(
      () => {
        isDone = true;
      },
    );
    for (let ms = 0; ms < 30_100; ms += 50) {
      if (ms < 29_900) expect(isDone).toBe(false);
      clock.advance(50);
      await turn();
    }
    await drained;
    expect(drainedMs).toHaveLength(2000);
    for (let second = 0; second < 30; second += 1) {
      const gone = drainedMs.filter((ms) => Math.floor(ms / 1000) === second).length;
      expect(gone).toBeLessThanOrEqual((2 * 2000) / 30);
      expect(gone).toBeGreaterThan(0);
    }
    expect(order).not.toEqual(order.toSorted((one, other) => one - other));
    expect(clock.pendingTimers).toBe(0);
  });

  it('catches up at one and a half times the pace after a stall', async () => {
    const clock = createFakeClock();
    const { connections, drainedMs } = crowd(2000, clock.nowMs);
    const drained = drainConnections(connections, { windowMs: 10_000, clock, random: Math.random });
    clock.advance(50);
    await turn();
    const before = drainedMs.length;
    clock.advance(5000);
    await turn();
    // 10 for each 50 ms is the pace.
    expect(drainedMs.length - before).toBe(15);
    for (let slice = 0; slice < 400; slice += 1) {
      clock.advance(50);
      await turn();
    }
    await drained;
    expect(drainedMs).toHaveLength(2000);
  });

  it('sends all away at once without a window', async () => {
    const clock = createFakeClock();
    const { connections, drainedMs } = crowd(10, clock.nowMs);
    await drainConnections(connections, { windowMs: 0, clock, random: () => 0 });
    expect(drainedMs).toEqual(Array(10).fill(0));
  });

  it('cuts off who does not go', async () => {
    const clock = createFakeClock();
    const { connections, destroyed } = crowd(3, clock.nowMs, false);
    const drained = drainConnections(connections, { windowMs: 100, clock, random: () => 0 });
    for (let ms = 0; ms < 2050; ms += 10) {
      clock.advance(10);
      await turn();
    }
    expect(destroyed()).toBe(0);
    for (let ms = 0; ms < 100; ms += 10) {
      clock.advance(10);
      await turn();
    }
    await drained;
    expect(destroyed()).toBe(3);
  });

  it('refuses new connections from its first moment, with none there too', async () => {
    const clock = createFakeClock();
    const { connections } = crowd(0, clock.nowMs);
    const drained = drainConnections(connections, { windowMs: 30_000, clock, random: () => 0 });
    expect(connections.fault()).toBe('draining');
    await drained;
  });
});

describe('a drain', () => {
  it('ends WebSockets with 1012 and event streams without complete, and leaves nothing open', async () => {
    await using server = await openStreamServer({ settings: { drainWindowMs: 300 } });
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openWs(server.wsUrl)));
    for (const ws of sockets) ws.send(event);
    const query = encodeURIComponent('subscription { event }');
    const wires = await Promise.all(Array.from({ length: 10 }, () => openWire(server.url)));
    for (const wire of wires)
      wire.send(
        `GET /graphql?query=${query} HTTP/1.1`,
        'Host: a',
        'GraphQL-Require-Preflight: 1',
        'Accept: text/event-stream',
        '',
        '',
      );
    await server.topic.untilRunning(20);
    await server.graph.drain();
    expect(server.graph.openConnections()).toBe(0);
    for (const ws of sockets) expect(await ws.closed).toEqual({ code: 1012, reason: 'Service restart' });
    for (const wire of wires) {
      const text = await wire.closed;
      expect(text).toMatch(/retry: \d+\n\n$/);
      expect(text).not.toContain('complete');
    }
    expect(server.ends).toHaveLength(20);
    expect(new Set(server.ends.map(({ reason }) => reason))).toEqual(new Set(['drain']));
    expect(server.topic.subscriptions.every(({ stopped }) => stopped === 'drain')).toBe(true);
  });

  it('refuses what is new, so that it is tried again elsewhere', async () => {
    await using server = await openStreamServer({ settings: { drainWindowMs: 60_000 } });
    await using early = await openWs(server.wsUrl);
    await using other = await openWs(server.wsUrl);
    early.send(event);
    await server.topic.untilRunning(1);
    const client = await openWire(server.url);
    void server.graph.drain();
    // One of the two has gone in the first slice.
    for (const ws of [early, other]) ws.send({ ...event, id: '2' });
    for (const ws of [early, other]) expect(await ws.closed).toMatchObject({ code: 1012 });
    client.send('PUT /graphql/stream HTTP/1.1', 'Host: a', 'Content-Length: 0', '', '');
    expect(await client.closed).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: \d+[\s\S]*OVERLOADED/i);
    await using late = await openWs(server.wsUrl, { init: false });
    expect(await late.closed).toEqual({ code: 1012, reason: 'Service restart' });
  });

  it('gives what waits for a slow reader before it ends', async () => {
    await using server = await openStreamServer();
    await using wire = await openWire(server.url);
    const query = encodeURIComponent('subscription { event }');
    wire.send(
      `GET /graphql?query=${query} HTTP/1.1`,
      'Host: a',
      'GraphQL-Require-Preflight: 1',
      'Accept: text/event-stream',
      '',
      '',
    );
    await server.topic.untilRunning(1);
    wire.socket.pause();
    const sink = server.topic.subscriptions[0]?.sink;
    let published = 0;
    while ((sink?.bufferedBytes() ?? 0) < 500_000) {
      published += 1;
      server.topic.publish(`${published};${'x'.repeat(1000)}`);
    }
    const drained = server.graph.drain();
    wire.socket.resume();
    const text = await wire.closed;
    await drained;
    expect(text.match(/"\d+;x/g)).toHaveLength(published);
    expect(text).toMatch(/retry: \d+\n\n$/);
  });
});
