import { describe, expect, it } from 'vitest';
import { rotationTime } from '../../src/transport/rotation.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';
import { testStreamSettings } from '../kit/stream-settings.ts';
import { openWs } from '../kit/ws-wire.ts';
import { openWire } from './wire.ts';

const query = 'subscription { event }';
const subscribe = (id: string, asked = query) => ({ id, type: 'subscribe', payload: { query: asked } });

/** Below the time between heartbeats, which a clock of the test would else have to wait for. */
const settings = { connectionMaxAgeMs: 10_000 };

async function openStream(server: StreamServer, accept: string) {
  const wire = await openWire(server.url);
  const path = `/graphql?query=${encodeURIComponent(query)}`;
  wire.send(`GET ${path} HTTP/1.1`, 'Host: a', 'GraphQL-Require-Preflight: 1', `Accept: ${accept}`, '', '');
  await wire.until(/\r\n\r\n./);
  return wire;
}

describe('rotationTime()', () => {
  const clock = createFakeClock();
  clock.advance(1000);

  it.each([
    [0, 31_000],
    [0.5, 46_000],
    [1, 61_000],
  ])('is after a half to the whole of the age: by chance %d', (chance, atMs) => {
    const limits = { ...testStreamSettings, connectionMaxAgeMs: 60_000 };
    expect(rotationTime({ limits, clock, random: () => chance })).toBe(atMs);
  });

  it('is never while the age is 0', () => {
    const limits = { ...testStreamSettings, connectionMaxAgeMs: 0 };
    expect(rotationTime({ limits, clock, random: () => 0 })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a connection that has been here for long enough', () => {
  it('is closed with 1012 when it is a WebSocket, so that its client connects anew', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock, settings });
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    clock.advance(4900);
    expect(server.ends).toEqual([]);
    clock.advance(5600);
    expect(await ws.closed).toEqual({ code: 1012, reason: 'Connect again' });
    expect(server.topic.subscriptions[0]?.stopped).toBe('rotated');
    expect(server.ends).toEqual([{ reason: 'rotated', transport: 'ws' }]);
  });

  it('is ended without complete when it is an event stream', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock, settings });
    await using wire = await openStream(server, 'text/event-stream');
    await server.topic.untilRunning(1);
    clock.advance(4900);
    expect(server.ends).toEqual([]);
    clock.advance(5600);
    expect(await wire.closed).toMatch(/\nretry: \d+\n\n$/);
    expect(server.ends).toEqual([{ reason: 'rotated', transport: 'sse' }]);
  });

  it('stays when it is multipart, whose clients do not come back by themselves', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock, settings });
    await using wire = await openStream(server, 'multipart/mixed;subscriptionSpec=1.0');
    await server.topic.untilRunning(1);
    clock.advance(20_000);
    server.topic.publish({ n: 1 });
    await wire.until(/"n":1/);
    expect(server.ends).toEqual([]);
  });

  it('stays for ever when the age is 0', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock, settings: { connectionMaxAgeMs: 0 } });
    await using wire = await openStream(server, 'text/event-stream');
    await server.topic.untilRunning(1);
    clock.advance(24 * 3_600_000);
    server.topic.publish({ n: 1 });
    await wire.until(/"n":1/);
    expect(server.ends).toEqual([]);
  });
});

describe.each(['rotation', 'drain'] as const)('a WebSocket that is sent away by %s', (by) => {
  it('answers what runs, begins nothing more, and closes then', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock, settings });
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('runs', '{ slow }'));
    ws.send(subscribe('event'));
    await server.topic.untilRunning(1);
    if (by === 'drain') void server.graph.drain();
    else clock.advance(10_500);
    ws.send(subscribe('late', '{ hello }'));
    ws.send({ type: 'ping' });
    await ws.until({ type: 'pong' });
    expect(server.ends).toEqual([]);
    server.gate.open();
    expect(await ws.closed).toMatchObject({ code: 1012 });
    expect(ws.messages).toContainEqual({ id: 'runs', type: 'next', payload: { data: { slow: 'done' } } });
    expect(ws.messages).toContainEqual({ id: 'runs', type: 'complete' });
    expect(ws.messages.filter(({ id }) => id === 'late')).toEqual([]);
    const reason = by === 'drain' ? 'drain' : 'rotated';
    expect(server.ends).toEqual([{ reason, transport: 'ws' }]);
  });
});
