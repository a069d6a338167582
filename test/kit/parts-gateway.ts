// A gateway whose answers come in parts, in a process of its own: prints its address, and closes politely on SIGTERM.
import { setTimeout as delay } from 'node:timers/promises';
import { buildSchema } from 'graphql';
import { createGateway, createLog } from '../../src/index.ts';

const schema = buildSchema('type Query { fast: String after(ms: Int!): Int never: Int }');
const fields = schema.getQueryType()?.getFields() ?? {};
Object.assign(fields['fast'] ?? {}, { resolve: () => 'fast' });
Object.assign(fields['after'] ?? {}, {
  resolve: (_root: unknown, { ms }: { ms: number }) => delay(ms, ms),
});
Object.assign(fields['never'] ?? {}, { resolve: () => new Promise(() => {}) });

const gateway = createGateway(
  {
    schema,
    upstreams: {},
    budget: { mode: 'off' },
    limits: { maxDeferredParts: 10, operationTimeoutMs: 60_000, closeTimeoutMs: Number(process.argv[2]) },
    server: { port: 0, adminPort: 0 },
    realtime: { drainWindowMs: 0 },
  },
  { log: createLog('error') },
);
const { url } = await gateway.start();
process.once('SIGTERM', () => void gateway.close());
console.log(`ready on ${url}`);
