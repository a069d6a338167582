import { expect, it } from 'vitest';
import { startProgram } from '../../bench/harness/program.ts';
import type { LedgerReport } from './ledger/ledger-plan.ts';
import { type RemoteLedgerOptions, runRemoteLedger } from './ledger/remote-ledger.ts';
import { preflighted } from './tiny-gateway.ts';

const seed = 20_261_123;

/** One run against a server in a process of its own. */
async function runAgainst(script: string, kinds: RemoteLedgerOptions['kinds']): Promise<LedgerReport> {
  const program = await startProgram({ name: script, args: [script], ready: /ready on (http:\S+)/ });
  try {
    return await runRemoteLedger({
      seed,
      kinds,
      durationMs: 1500,
      harmEveryMs: 150,
      server: {
        url: new URL(program.address),
        subscription: 'subscription { log { number } }',
        publish: 'mutation ($number: Int!) { publish(feed: "log", first: $number, count: 1, bytes: 10) }',
        numberAs: (number) => number,
        numberPath: ['log', 'number'],
        headers: preflighted,
        init: undefined,
      },
    });
  } finally {
    await program.end();
  }
}

it('runRemoteLedger() finds nothing wrong with Weir, whose clients come back with their cursors', async () => {
  const report = await runAgainst('test/kit/events/gateway.ts', ['ws', 'sse', 'switching']);
  expect(report).toMatchObject({ lost: 0, repeated: 0, reordered: 0, gaps: 0, unfinished: 0, surprises: [] });
  expect(report.published).toBeGreaterThan(50);
  expect(report.faults['dropClients']).toBeGreaterThan(2);
  expect(report.resumed).toBeGreaterThan(6);
}, 60_000);

it('runRemoteLedger() convicts a server that cannot go on where a client was', async () => {
  const report = await runAgainst('bench/peers/events-ws.ts', ['ws']);
  expect(report).toMatchObject({ resumed: 0, unfinished: 0, surprises: [] });
  expect(report.lost).toBeGreaterThan(0);
}, 60_000);
