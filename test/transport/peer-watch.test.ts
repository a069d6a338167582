import { expect, it } from 'vitest';
import { Connections } from '../../src/transport/connections.ts';
import { PeerWatch } from '../../src/transport/peer-watch.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Three connections of which `silent` tells who acknowledges nothing, watched every 2.5 s. */
function watched() {
  const clock = createFakeClock();
  const connections = new Connections(
    { maxConnections: 10, maxConnectionsPerPrincipal: 10, maxConnectsPerSecond: 10 },
    clock,
  );
  const silent = new Set<number>();
  const destroyed: number[] = [];
  let reads = 0;
  for (const port of [1, 2, 3]) {
    const connection = {
      peer: `80 10.0.0.1 ${port}`,
      drain: () => {},
      endIfRevoked: () => false,
      destroy: () => {
        destroyed.push(port);
        connections.open.delete(connection);
      },
    };
    connections.open.add(connection);
  }
  const readTable = async () => {
    reads += 1;
    const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
    const lineOf = (peer: number) =>
      ` 1: 0100007F:0050 0100000A:${port(peer)} 01 00000003:00000000 01:00000014 00000002  0 \n`;
    return [...silent].map(lineOf).join('');
  };
  const watch = new PeerWatch({ clock, connections, timeoutMs: 10_000, readTable });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turn();
  };
  return { clock, connections, silent, destroyed, watch, pass, reads: () => reads };
}

it('PeerWatch cuts off who acknowledges nothing for the timeout', async () => {
  const { silent, destroyed, watch, pass } = watched();
  watch.watch();
  silent.add(2);
  for (let look = 0; look < 4; look += 1) await pass(2500);
  expect(destroyed).toEqual([]);
  await pass(2500);
  expect(destroyed).toEqual([2]);
});

it('PeerWatch begins anew with who has acknowledged something meanwhile', async () => {
  const { silent, destroyed, watch, pass } = watched();
  watch.watch();
  silent.add(1);
  await pass(2500);
  await pass(2500);
  silent.clear();
  await pass(2500);
  silent.add(1);
  for (let look = 0; look < 4; look += 1) await pass(2500);
  expect(destroyed).toEqual([]);
  await pass(2500);
  expect(destroyed).toEqual([1]);
});

it('PeerWatch looks while there are connections, however often it is asked to', async () => {
  const { clock, connections, watch, pass, reads } = watched();
  expect(clock.pendingTimers).toBe(0);
  watch.watch();
  watch.watch();
  expect(clock.pendingTimers).toBe(1);
  await pass(2500);
  expect(reads()).toBe(1);
  connections.open.clear();
  await pass(2500);
  expect(reads()).toBe(1);
  expect(clock.pendingTimers).toBe(0);
  watch.watch();
  expect(clock.pendingTimers).toBe(1);
});
