import { setTimeout as sleep } from 'node:timers/promises';
import { startEventServer } from './harness/event-server.ts';
import { openFarNetwork } from './harness/far-network.ts';
import { startProgram } from './harness/program.ts';
import type { Figures, Scenario } from './harness/scenario.ts';

/** Of each transport. */
const connections = 20;
/** Longest that it is waited for, in milliseconds. */
const patienceMs = 60_000;
const transports = ['ws', 'sse'] as const;

/** Clients whose network is cut: they are gone, and no packet says so. */
export const gone: Scenario = {
  description: 'clients whose network is cut: when their subscriptions end (needs root)',
  defaultSeconds: 180,
  run: async (options) => {
    const tookMs: Record<string, number[]> = { ws: [], sse: [] };
    const startMs = performance.now();
    do {
      await using stack = new AsyncDisposableStack();
      const network = await openFarNetwork(stack);
      const program = await startEventServer(stack, options, {
        name: 'weir',
        kind: 'weir',
        settings: { host: network.hereAddress },
      });
      const clients = await startProgram({
        name: 'clients',
        within: network.command,
        args: ['bench/peers/far-clients.ts', program.address, String(connections)],
        ready: /ready on (\S+)/,
      });
      stack.defer(() => clients.end());
      // Anywhere between two heartbeats.
      await sleep(Math.random() * 12_000);
      await network.cut();
      const cutMs = performance.now();
      const metricsUrl = program.facts['metrics'] ?? '';
      await Promise.all(
        transports.map(async (transport) => {
          await untilEnded(metricsUrl, transport, options.signal);
          tookMs[transport]?.push(performance.now() - cutMs);
          options.progress(`${transport}: after ${Math.round(performance.now() - cutMs)} ms`);
        }),
      );
    } while (performance.now() - startMs < options.seconds * 1000);
    return transports.map((transport): Figures => {
      const times = (tookMs[transport] ?? []).map(Math.round);
      const [fastestMs, slowestMs] = [Math.min(...times), Math.max(...times)];
      return { name: `weir-${transport}`, connections, rounds: times.length, fastestMs, slowestMs };
    });
  },
};

/** Resolves when all have ended. */
async function untilEnded(metricsUrl: string, transport: string, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while ((await countEnded(metricsUrl, transport)) < connections) {
    if (performance.now() > untilMs)
      throw new Error(`${transport}: not all had ended after ${patienceMs} ms`);
    await sleep(100, undefined, { signal });
  }
}

/** Subscriptions of one transport that have ended, by the metrics of the gateway. */
async function countEnded(metricsUrl: string, transport: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const counts = text
    .split('\n')
    .filter(
      (line) => line.startsWith('weir_subscription_ends_total') && line.includes(`transport="${transport}"`),
    )
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return counts.reduce((sum, count) => sum + count, 0);
}
