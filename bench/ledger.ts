import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerReport } from '../test/kit/ledger/ledger-plan.ts';
import { runRemoteLedger } from '../test/kit/ledger/remote-ledger.ts';
import { type LedgerRunOptions, runLedger } from '../test/kit/ledger/run-ledger.ts';
import { startProgram } from './harness/program.ts';
import type { Figures, Scenario } from './harness/scenario.ts';

/** How long each of the short runs takes at most, in milliseconds; the control ends when it has found something. */
const shortMs = { checked: 10_000, unchecked: 60_000 };
const withoutCheck = new URL('../test/kit/ledger/break-contiguity.ts', import.meta.url).href;

/** Many events and short breaks: without the check of contiguity, what a break swallows is lost in silence. */
const shortBreaks = {
  instanceCount: 2,
  roomCount: 2,
  writeEveryMs: 0,
  harmEveryMs: 60,
  convergeMs: 5000,
  faults: ['killSubscribers', 'dropRedis'],
} as const satisfies Partial<LedgerRunOptions>;

/** Numbered events through three gateways to real clients, under faults; and twice more as a control. */
export const ledger: Scenario = {
  description:
    'numbered events through three gateways under random faults: lost, repeated, reordered without a flag',
  defaultSeconds: 300,
  takesTarget: true,
  run: async ({ seconds, target, signal, progress }) => {
    const seed = Number(process.env['WEIR_CHAOS_SEED'] ?? Date.now() % 1_000_000_000);
    if (target) {
      const { server, transports } = target;
      // Those that change the transport need both.
      const kinds = transports.length > 1 ? [...transports, 'switching' as const] : transports;
      const options = { server, kinds, seed, durationMs: seconds * 1000, signal, progress };
      return [rowOf(server.url.host, await runRemoteLedger(options))];
    }
    await using stack = new AsyncDisposableStack();
    const upstreamPort = await startServices(stack);
    const given = { seed, upstreamPort, signal, progress };
    const durationMs = seconds * 1000;
    const short = { ...given, ...shortBreaks, durationMs: Math.min(durationMs, shortMs.checked) };
    return [
      rowOf('faults', await runLedger({ ...given, durationMs, instanceCount: 3, roomCount: 3 })),
      rowOf('short breaks', await runLedger(short)),
      rowOf(
        'short breaks, unchecked',
        await runLedger({
          ...short,
          durationMs: shortMs.unchecked,
          untilFound: true,
          environment: { NODE_OPTIONS: `--import ${withoutCheck}` },
        }),
      ),
    ];
  },
};

async function startServices(stack: AsyncDisposableStack): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const services = await startProgram({
    name: 'upstreams',
    args: ['upstreams/main.ts'],
    environment: { WEIR_DATA_DIR: dataDir, UPSTREAM_PORT: '0' },
    ready: /upstreams ready on (\S+)/,
  });
  stack.defer(() => services.end());
  return Number(services.address.split(':').at(-1));
}

function rowOf(name: string, { faults, surprises, ...report }: LedgerReport): Figures {
  const harm = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return { name, ...report, faults: harm, surprises: surprises.length };
}
