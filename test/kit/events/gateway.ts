// A gateway of the feeds in a process of its own: prints its addresses, and closes politely on SIGTERM.
import { createBudgetPolicy, createGateway, createLog } from '../../../src/index.ts';
import { buildEventSchema } from './schema.ts';

/** What the process is told in its first argument, as JSON. */
export interface EventGatewayOptions {
  /** Default: none, so that it is alone. */
  readonly redisUrl?: string;
  /** Default 0. */
  readonly drainWindowMs?: number;
  /** Default: as many as come, since crowds of a test come at once. */
  readonly maxConnectsPerSecond?: number;
  /** Default: loopback. */
  readonly host?: string;
}

const {
  redisUrl = '',
  drainWindowMs = 0,
  maxConnectsPerSecond = 1_000_000,
  host = '127.0.0.1',
}: EventGatewayOptions = JSON.parse(process.argv[2] ?? '{}');

/** Books are kept, and nobody comes to their end. */
const wealth = { limitPoints: 1_000_000_000, restorePerSecond: 1_000_000 };

const gateway = createGateway(
  {
    schema: buildEventSchema({ executions: 0 }),
    upstreams: {},
    server: { host, port: 0, adminPort: 0 },
    redis: { url: redisUrl },
    realtime: { drainWindowMs, maxConnectsPerSecond, maxConnectionsPerPrincipal: 100_000 },
    policy: createBudgetPolicy({ principal: wealth, anonymous: wealth, operationLimitPoints: 1_000_000 }),
  },
  { log: createLog('error') },
);
const { url, adminUrl } = await gateway.start();
process.once('SIGTERM', () => void gateway.close());
console.log(`metrics on ${adminUrl}/metrics`);
console.log(`ready on ${url}`);
