import { setTimeout as sleep } from 'node:timers/promises';
import type { SubscriberTransport } from '../test/kit/events/raw-subscriber.ts';
import { Crowd } from './harness/crowd.ts';
import { type EventServerKind, startEventServer } from './harness/event-server.ts';
import type { Held } from './harness/probe.ts';
import type { Program } from './harness/program.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';

const connections = 5000;
/** Before it counts: what a server needs once is there by then. */
const warmUpConnections = 500;
/** Milliseconds in which what has been closed goes. */
const settleMs = 1500;

const fields: readonly {
  readonly name: string;
  readonly kind: EventServerKind;
  readonly transport: SubscriberTransport;
}[] = [
  { name: 'weir-ws', kind: 'weir', transport: 'ws' },
  { name: 'weir-sse', kind: 'weir', transport: 'sse' },
  { name: 'yoga-graphql-ws', kind: 'graphql-ws', transport: 'ws' },
  { name: 'graphql-sse', kind: 'graphql-sse', transport: 'sse' },
  { name: 'yoga-sse', kind: 'graphql-ws', transport: 'sse' },
];

/** Memory of connections that are subscribed and hear nothing. */
export const idle: Scenario = {
  description: 'memory of 5,000 idle subscribed connections: Weir, Yoga with graphql-ws, graphql-sse, Yoga',
  run: async (options) => {
    const rows: Figures[] = [];
    for (const field of fields) {
      rows.push(await measure(field, options));
      options.progress(`${field.name}: measured`);
    }
    return rows;
  },
};

async function measure({ name, kind, transport }: (typeof fields)[number], options: RunOptions) {
  await using stack = new AsyncDisposableStack();
  const program = await startEventServer(stack, options, { name, kind });
  const open = async (size: number) => {
    const crowd = new Crowd({ url: new URL(program.address), transport, feed: 'log', size });
    stack.defer(() => crowd.close());
    await crowd.open();
    return crowd;
  };
  (await open(warmUpConnections)).close();
  const before = await heldBy(program);
  const crowd = await open(connections);
  const after = await heldBy(program);
  if (crowd.lost > 0) throw new Error(`${name}: ${crowd.lost} of ${connections} connections were lost`);
  return {
    name,
    connections,
    rssKbPerConnection: (after.rssBytes - before.rssBytes) / 1024 / connections,
    heapKbPerConnection: (after.heapBytes - before.heapBytes) / 1024 / connections,
    baselineMb: before.rssBytes / 2 ** 20,
  };
}

async function heldBy(program: Program): Promise<Held> {
  await sleep(settleMs);
  return program.ask<Held>('held');
}
