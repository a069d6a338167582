import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHandler } from 'graphql-sse/lib/use/http';
import { createYoga } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { startProgram } from '../../bench/harness/program.ts';
import { buildPeerSchema } from '../../bench/peers/event-schema.ts';
import { createBudgetPolicy, createGateway } from '../../src/index.ts';
import { buildEventSchema } from '../kit/events/schema.ts';
import { transports } from '../kit/streaming-audit/audit.ts';
import { createEmitter } from '../kit/streaming-audit/emitter.ts';
import { type AuditResult, audits, isCompliant, runAudits } from '../kit/streaming-audit/run-audits.ts';
import { createCollectingLog, preflighted } from '../kit/tiny-gateway.ts';

const wealth = { limitPoints: 1_000_000_000, restorePerSecond: 1_000_000 };

interface Bounds {
  readonly timeoutMs: number;
  readonly patienceMs: number;
}

/** Signs of life come each second, the least that the options allow; two are waited for. */
const ours: Bounds = { timeoutMs: 5000, patienceMs: 5000 };
/** Those that fail something are waited for that long each time. */
const others: Bounds = { timeoutMs: 1500, patienceMs: 0 };

function audit(address: string, bounds: Bounds): Promise<readonly AuditResult[]> {
  const url = new URL(address);
  const mutation = 'mutation { publish(feed: "log", first: 1, count: 1, bytes: 20000) }';
  const given = { url, headers: preflighted, ...bounds };
  return runAudits({
    ...given,
    singleUrl: new URL('/graphql/stream', url),
    subscription: 'subscription { log { number text } }',
    init: undefined,
    emitter: createEmitter({ ...given, mutation }),
  });
}

/** Ids of those that do not pass, of the transports that there are. */
function failedOf(results: readonly AuditResult[]): readonly string[] {
  return results.filter(({ status }) => status === 'failed').map(({ id }) => id);
}

function transportsOf(results: readonly AuditResult[]): readonly string[] {
  return transports.filter((one) =>
    results.some(({ transport, status }) => transport === one && status !== 'absent'),
  );
}

it('Weir passes every audit of every transport', async () => {
  const gateway = createGateway(
    {
      schema: buildEventSchema({ executions: 0 }),
      upstreams: {},
      server: { port: 0, adminPort: 0 },
      realtime: { heartbeatMs: 1000, pongTimeoutMs: 900, initTimeoutMs: 1000, drainWindowMs: 0 },
      policy: createBudgetPolicy({ principal: wealth, anonymous: wealth, operationLimitPoints: 1_000_000 }),
    },
    { log: createCollectingLog() },
  );
  try {
    const { url } = await gateway.start();
    const results = await audit(url, ours);
    expect(results).toHaveLength(Object.values(audits).flat().length);
    expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
  } finally {
    await gateway.close();
  }
});

it('graphql-ws and the event streams of Yoga keep every MUST, and do not resume', async () => {
  const program = await startProgram({
    name: 'graphql-ws',
    args: ['bench/peers/events-ws.ts'],
    ready: /ready on (http:\S+)/,
  });
  try {
    const results = await audit(program.address, others);
    expect(transportsOf(results)).toEqual(['sse', 'ws']);
    expect(failedOf(results)).toEqual(['sse-malformed', 'sse-resume']);
    expect(isCompliant(results)).toBe(true);
  } finally {
    await program.end();
  }
});

it('graphql-sse keeps every MUST, reads Accept as a text, and does not free the id of what it refuses', async () => {
  await using peer = await startGraphqlSse();
  const results = await audit(peer.url, others);
  expect(transportsOf(results)).toEqual(['sse', 'single']);
  expect(failedOf(results)).toEqual([
    'sse-accept-list',
    'sse-accept-weights',
    'sse-resume',
    'single-open-list',
    'single-id-freed',
  ]);
  expect(isCompliant(results)).toBe(true);
});

/** As its guide sets it up, with mutations answered beside it. */
async function startGraphqlSse(): Promise<AsyncDisposable & { readonly url: string }> {
  const schema = buildPeerSchema();
  const handle = createHandler({ schema });
  const yoga = createYoga({ schema, logging: false });
  const server = createServer((request, response) => {
    if (request.headers.accept === 'application/json') void yoga(request, response);
    // Its adapter rejects when a client leaves while it is written to, which ends a process that does not look.
    else handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
