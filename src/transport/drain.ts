import type { Clock } from '../clock.ts';
import type { Connections, LongConnection } from './connections.ts';

/** How connections are sent away. */
export interface DrainOptions {
  /** Milliseconds from 0 over which they are; graphql-ws and graphql-sse retry for 32 to 46 s in all. */
  readonly windowMs: number;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Milliseconds between two slices: short enough that a slice is a few connections of a thousand. */
const sliceMs = 50;
/** After a stall the ones that are overdue are caught up with at so many times the pace, and not at once. */
const catchUpPace = 1.5;
/** Milliseconds after the window in which the last ones may take their leave. */
const graceMs = 2000;
/** Milliseconds between two looks whether somebody is left. */
const pollMs = 20;

/**
 * Sends every connection away so that their clients come back evenly over the window, in an order by chance, since clients
 * that came together would else come back together. Resolves when none is open; who has not gone a while after the window
 * is cut off.
 */
export async function drainConnections(connections: Connections, options: DrainOptions): Promise<void> {
  connections.isDraining = true;
  const { windowMs, clock, random } = options;
  const leaving = shuffled([...connections.open], random);
  const startMs = clock.nowMs();
  const perSlice = windowMs === 0 ? 1 : Math.min(1, (catchUpPace * sliceMs) / windowMs);
  const most = Math.ceil(leaving.length * perSlice);
  let sent = 0;
  while (sent < leaving.length) {
    const share = windowMs === 0 ? 1 : Math.min(1, (clock.nowMs() - startMs) / windowMs);
    const due = Math.min(sent + most, Math.ceil(leaving.length * share));
    for (const connection of leaving.slice(sent, due)) connection.drain();
    sent = Math.max(sent, due);
    if (sent < leaving.length) await sleep(Math.min(sliceMs, windowMs), clock);
  }
  // Those that came in between the two lines of a handshake.
  for (const connection of connections.open) connection.drain();
  await leaveTaken(connections, clock);
}

async function leaveTaken({ open }: Connections, clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + graceMs;
  while (open.size > 0 && clock.nowMs() < untilMs) await sleep(pollMs, clock);
  for (const connection of open) connection.destroy();
  while (open.size > 0) await sleep(pollMs, clock);
}

function sleep(ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** Fisher and Yates. */
function shuffled(connections: readonly LongConnection[], random: () => number): readonly LongConnection[] {
  const order = [...connections];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1));
    const [one, other] = [order[last], order[chosen]];
    if (one === undefined || other === undefined) continue;
    order[last] = other;
    order[chosen] = one;
  }
  return order;
}
