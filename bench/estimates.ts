import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { systemClock } from '../src/clock.ts';
import { signDevelopmentToken } from '../src/identity/development-keys.ts';
import { createGateway, createLog } from '../src/index.ts';
import { answersOf, generatedLimits, postForCost, reportEstimates } from '../test/kit/estimates.ts';
import { operations } from '../test/kit/generate-operation.ts';
import { createCursorBook } from '../test/kit/reference/cursor-book.ts';
import { shopOperations } from '../test/kit/reference/shop-operations.ts';
import { shopVariant } from '../test/kit/shop-variants.ts';
import config from '../weir.config.ts';
import { startProgram } from './harness/program.ts';
import type { Scenario } from './harness/scenario.ts';

const operationCount = 20_000;
const seed = 20_261_104;
/** Operations at one time, and those that are made at once. */
const lanes = 16;
const chunk = 1000;

/** Who asks; every user has the same rights here. */
const reader = {
  sub: 'user-1',
  issuer: 'weir-development',
  audience: 'weir',
  scope: 'orders:read payments:read chat:read users:read',
  ttlSeconds: 3600,
};

/** Whether generated queries ever use more than they were priced at, against the seeded shop. */
export const estimates: Scenario = {
  description: `estimates of ${operationCount} generated queries against what they use`,
  run: async ({ signal, progress }) => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-bench-'));
    stack.defer(() => rm(dataDir, { recursive: true, force: true }));
    const shop = await startProgram({
      name: 'upstreams',
      args: ['upstreams/main.ts'],
      environment: { WEIR_DATA_DIR: dataDir, UPSTREAM_PORT: '0' },
      ready: /upstreams ready on (\S+)/,
    });
    stack.defer(() => shop.end());
    const upstreams = Object.keys(config.upstreams).map((name) => [
      `WEIR_UPSTREAM_${name.toUpperCase()}`,
      shop.address,
    ]);
    const gateway = createGateway(
      { ...config, limits: generatedLimits },
      {
        log: createLog('error'),
        // Nothing is refused, and everything is told.
        environment: {
          ...Object.fromEntries(upstreams),
          PORT: '0',
          ADMIN_PORT: '0',
          WEIR_BUDGET_MODE: 'measure',
        },
      },
    );
    stack.defer(() => gateway.close());
    const { url } = await gateway.start();
    const authorization = `Bearer ${await signDevelopmentToken(reader, systemClock)}`;
    const arbitrary = operations(shopVariant('web').schema, shopOperations(createCursorBook()));
    const answers: Awaited<ReturnType<typeof answersOf>>[number][] = [];
    const startMs = performance.now();
    for (let done = 0; done < operationCount; done += chunk) {
      signal.throwIfAborted();
      const some = fc.sample(arbitrary, { seed: seed + done, numRuns: chunk });
      answers.push(...(await answersOf(some, lanes, (one) => postForCost(url, one, authorization))));
      progress(`${answers.length} of ${operationCount}`);
    }
    const { faults, ...report } = reportEstimates(answers);
    for (const fault of faults.slice(0, 20)) progress(fault);
    return [
      {
        name: 'queries',
        ...report,
        faults: faults.length,
        seconds: (performance.now() - startMs) / 1000,
      },
    ];
  },
};
