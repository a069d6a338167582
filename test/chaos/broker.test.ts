import { expect, it } from 'vitest';
import { sumViolations } from './broker-ledger.ts';
import { lossyFaultNames, runBrokers } from './broker-run.ts';
import { printFigures } from './figures.ts';

/** Another seed does other harm at other moments. */
const seed = Number(process.env['WEIR_CHAOS_SEED'] ?? 20_261_101);
const durationMs = Number(process.env['WEIR_CHAOS_MS'] ?? 8000);

it('three instances lose, repeat and reorder no event without a gap, whatever is done to Redis', async () => {
  const { ledgers, published, resumed, faults } = await runBrokers({ seed, durationMs });
  const violations = sumViolations(ledgers);
  const losses = lossyFaultNames.reduce((sum, name) => sum + (faults[name] ?? 0), 0);
  const received = ledgers.reduce((sum, ledger) => sum + ledger.received, 0);
  const gaps = Math.max(...ledgers.map((ledger) => ledger.gaps));
  printFigures(`the broker under faults, seed ${seed}`, {
    published,
    received,
    resumed,
    gaps,
    ...faults,
    ...violations,
  });
  expect(violations).toEqual({ lost: 0, repeated: 0, reordered: 0 });
  // A gap needs a loss: a broker that cried wolf would be right every time.
  for (const ledger of ledgers) expect(ledger.gaps).toBeLessThanOrEqual(losses);
  expect(published).toBeGreaterThan(500);
  expect(resumed).toBeGreaterThan(10);
});

it('finds the broker out when contiguity is not checked', async () => {
  // A break harms only a broker that was just publishing; on a slow machine one run may meet none.
  let found = 0;
  for (let run = 0; found === 0 && run < 20; run += 1) {
    const { ledgers } = await runBrokers({
      seed: seed + run,
      durationMs: 2500,
      broker: { judge: () => 'deliver' },
    });
    const { lost, repeated, reordered } = sumViolations(ledgers);
    found = lost + repeated + reordered;
  }
  expect(found).toBeGreaterThan(0);
}, 120_000);
