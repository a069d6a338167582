import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Folders whose tests need the shop's Postgres; the others run without waiting for it. */
const shopTests = 'test/{chaos,conformance,domain,e2e,loaders,schema,upstreams}/**/*.test.ts';

/** Two at least: they wait now and then. Those of the shop run after them, by default on all cores but one: services and Postgres run beside them. */
const engineWorkers = Math.max(2, availableParallelism() - 1);

export default defineConfig({
  test: {
    testTimeout: 30_000,
    // Tests that bound CPU must know that lines are counted.
    env: { COVERAGE: String(process.argv.includes('--coverage')) },
    hookTimeout: 60_000,
    setupFiles: ['test/kit/seed.ts'],
    // Node imports the tests and the code itself, by type stripping, as it does in production.
    experimental: { viteModuleRunner: false },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary'],
      // Of this run alone, as vitest empties it: two runs in one folder do not disturb each other.
      reportsDirectory: join(tmpdir(), `weir-coverage-${process.pid}`),
      reportOnFailure: true,
      thresholds: { lines: 90 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'engine',
          include: ['test/**/*.test.ts'],
          exclude: [shopTests],
          maxWorkers: engineWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'shop',
          include: [shopTests],
          globalSetup: ['test/kit/global-setup.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
