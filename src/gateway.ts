import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from './clock.ts';
import { type Environment, parseConfig, type Settings, type WeirConfig } from './config.ts';
import { createFindDeprecated } from './deprecation/deprecated-uses.ts';
import { type Budget, createBudget } from './guard/budget/budget.ts';
import type { BudgetPolicy, BudgetPolicyFor } from './guard/budget/policy.ts';
import { createCostModel } from './guard/cost/cost-model.ts';
import { costModelVersion } from './guard/cost/cost-model-version.ts';
import { createIdentify } from './identity/identify.ts';
import { createKeySource } from './identity/keys.ts';
import type { KeySource } from './identity/refreshing-keys.ts';
import { createTokenVerifier } from './identity/token.ts';
import { createLog, type Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { operationLine } from './observe/operation-log.ts';
import { createRandomHex } from './observe/trace.ts';
import { createTraffic, type Traffic } from './observe/traffic.ts';
import { createCharging } from './operation/charging.ts';
import { createPipeline } from './operation/pipeline.ts';
import { createTrafficRecorder } from './operation/record-traffic.ts';
import { createSharedStores, type SharedStores } from './operation/shared-stores.ts';
import { createSubscriptionLeases, type SubscriptionLeases } from './operation/subscription-leases.ts';
import { createResumeCursorCodec } from './realtime/cursor.ts';
import { createDeliveries, type Deliveries } from './realtime/delivery.ts';
import { createPump, type Pump } from './realtime/pump.ts';
import { createSeal } from './seal.ts';
import { createAdminServer } from './transport/admin.ts';
import { type ClosableStreamRouter, createBrokerStreamRouter } from './transport/broker-stream-router.ts';
import { closeServer } from './transport/close-server.ts';
import { createHttpServer, type GraphServer, graphqlPath } from './transport/http.ts';
import { readinessFrom } from './transport/readiness.ts';
import { createReadMasks } from './upstream/mask.ts';
import type { UpstreamAnomaly } from './upstream/options.ts';
import { createUpstream, type Upstream, type UpstreamState } from './upstream/upstream.ts';

/** A gateway's life: made, started once, closed once. */
export interface Gateway {
  /**
   * Listens, and resolves with the address of the graph and of the admin port. Rejects with a {@link StartError} when a
   * port is taken.
   */
  readonly start: () => Promise<{ readonly url: string; readonly adminUrl: string }>;
  /**
   * Stops listening, waits up to `limits.closeTimeoutMs` for operations in flight and cuts off those that still are, then
   * ends every connection upstream. Idempotent.
   */
  readonly close: () => Promise<void>;
}

/** What a gateway takes from outside of its configuration. */
export interface GatewayOptions {
  /** Default: nothing, so that the configuration alone decides. */
  readonly environment?: Environment;
  /** Default: JSON lines on standard output at the configured level. */
  readonly log?: Log;
}

/** A gateway that cannot start as it is configured; `faults` has a line for each thing to change. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(faults.join('\n'), options);
    this.faults = faults;
  }
}

/** The one face of the graph. */
const variant = 'web';
/** What settling may take after the longest operation, in milliseconds. */
const settleMarginMs = 30_000;

/** Wires the stages of a gateway; throws {@link StartError} when the configuration is faulty. */
export function createGateway(config: WeirConfig, options: GatewayOptions = {}): Gateway {
  const parsed = parseConfig(config, options.environment ?? {});
  if (!parsed.ok) throw new StartError(parsed.faults);
  const { settings } = parsed;
  const log = options.log ?? createLog(settings.log.level);
  const parts = createParts(settings, log);
  let draining = false;
  const readiness = () => readinessFrom({ draining, upstreams: statesOf(parts.upstreams) });
  const admin = createAdminServer({ metrics: parts.metrics, readiness, log });
  const { server, drain } = createGraphServer(settings, parts);
  const { host, port, adminPort } = settings.server;
  const close = async () => {
    draining = true;
    await closeServer(server, settings.limits.closeTimeoutMs, drain);
    await closeParts(parts);
    // Last, so that who probes sees the drain to its end.
    await closeServer(admin, 0, async () => {});
  };
  let closed: Promise<void> | undefined;
  return {
    start: async () => {
      const url = await listen(server, { host, port, variable: 'PORT', option: 'port' });
      const adminAddress = { host, port: adminPort, variable: 'ADMIN_PORT', option: 'adminPort' };
      return { url: `${url}${graphqlPath}`, adminUrl: await listen(admin, adminAddress) };
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** What the graph's own server shares with the rest of the gateway. */
interface GraphParts {
  readonly stores: SharedStores;
  readonly deliveries: Deliveries;
  readonly pump: Pump;
  readonly subscriptionLeases: SubscriptionLeases;
  readonly streamRouter: ClosableStreamRouter | undefined;
  readonly budget: Budget;
  readonly traffic: Traffic | undefined;
  readonly log: Log;
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly keys: KeySource | undefined;
  readonly metrics: Metrics;
}

function createParts(settings: Settings, log: Log): GraphParts {
  const clock = systemClock;
  const stores = createSharedStores({ url: settings.redis.url, clock, log });
  const { broker, leases } = stores;
  const deliveries = createDeliveries(broker);
  const upstreams = createUpstreams(settings, log);
  const { file, maxBytes } = settings.traffic;
  return {
    log,
    upstreams,
    stores,
    deliveries,
    keys: createKeys(settings, log),
    pump: createPump({ broker, leases, log, clock }),
    subscriptionLeases: createSubscriptionLeases({
      leases,
      clock,
      log,
      limit: settings.realtime.maxSubscriptionsPerPrincipal,
    }),
    metrics: createMetrics({
      upstreams: () => statesOf(upstreams),
      subscriptions: deliveries.size,
      budgets: stores.budgetStatus,
      priceModel: costModelVersion,
    }),
    budget: createBudget({
      store: stores.budgets,
      leaseMs: settings.limits.operationTimeoutMs + settleMarginMs,
    }),
    traffic: file === '' ? undefined : createTraffic({ file, maxBytes, log }),
    streamRouter: createStreamRouter(settings, stores),
  };
}

/** What feeds events ends before what it reads and writes. */
async function closeParts(parts: GraphParts): Promise<void> {
  parts.deliveries.close();
  await parts.streamRouter?.close();
  await parts.pump.close();
  await parts.subscriptionLeases.close();
  await Promise.all(Object.values(parts.upstreams).map((upstream) => upstream.close()));
  parts.keys?.close();
  await Promise.all([parts.budget.close(), parts.stores.close(), parts.traffic?.close()]);
  parts.metrics.close();
}

function createGraphServer(settings: Settings, parts: GraphParts): GraphServer {
  const { log, upstreams, keys, metrics, budget, traffic, stores, deliveries, pump, streamRouter } = parts;
  const { secrets } = settings.cursors;
  const pipeline = createPipeline({
    clock: systemClock,
    charging: createCharging({
      model: createCostModel(settings.schema, { pages: settings.pages }),
      budget,
      policyFor: policyUnder(settings.budget.mode, settings.policy),
      variant,
      upstreamLimitPoints: settings.upstreamLimitPoints,
      isTold: ({ scopes }) => !settings.production || scopes.has(settings.prices.scope),
      log,
    }),
    broker: stores.broker,
    idempotency: stores.idempotency,
    deliveries,
    pump,
    subscriptionLeases: parts.subscriptionLeases,
    resumeCursors: createResumeCursorCodec(settings.cursors),
    eventTimeoutMs: settings.limits.operationTimeoutMs,
    legacyHeaders: settings.budget.legacyHeaders,
    recordTraffic:
      traffic && createTrafficRecorder({ traffic, clock: systemClock, variant, secret: secrets[0] ?? '' }),
    findDeprecated: createFindDeprecated(settings.deprecation.url),
    upstreams,
    cursors: createSeal({ purpose: 'cursor', ...settings.cursors }),
    masks: createReadMasks(settings.schema),
    pages: settings.pages,
    limits: settings.limits,
    onAnomaly: (anomaly) => log.warn(anomaly, 'an upstream answered with rows that nobody asked for'),
    log,
    randomHex: createRandomHex(),
  });
  const { identity } = settings;
  const verifier = identity && keys && createTokenVerifier(identity, { clock: systemClock, keys });
  return createHttpServer({
    schema: settings.schema,
    pipeline,
    identify: createIdentify(verifier),
    record: (record) => {
      metrics.operation(record);
      log.info(operationLine(record), 'operation');
    },
    clock: systemClock,
    log,
    bodyMaxBytes: settings.limits.bodyMaxBytes,
    json: settings.limits,
    timeoutMs: settings.limits.operationTimeoutMs,
    realtime: settings.realtime,
    streamSecrets: settings.cursors.secrets,
    ...(streamRouter && { streamRouter }),
    onSubscriptionEnd: ({ transport, reason }) => metrics.subscription.ended(transport, reason),
    production: settings.production,
    explorer: !settings.production,
  });
}

/** Instances that share a Redis take each other's requests for an event stream; one alone has them all. */
function createStreamRouter(
  { redis }: Settings,
  { broker, leases }: SharedStores,
): ClosableStreamRouter | undefined {
  if (redis.url === '') return undefined;
  return createBrokerStreamRouter({ broker, leases, clock: systemClock, instanceId: randomUUID() });
}

/** Books are kept no more strictly than `mode`. */
function policyUnder(mode: BudgetPolicy['mode'], policyFor: BudgetPolicyFor): BudgetPolicyFor {
  if (mode === 'enforce') return policyFor;
  return (caller, face) => {
    const policy = policyFor(caller, face);
    return policy.mode === 'off' ? policy : { ...policy, mode };
  };
}

function createKeys({ identity, production }: Settings, log: Log): KeySource | undefined {
  return identity && createKeySource(identity.keys, { clock: systemClock, log, production });
}

function statesOf(upstreams: Readonly<Record<string, Upstream>>): Record<string, UpstreamState> {
  return Object.fromEntries(Object.entries(upstreams).map(([name, upstream]) => [name, upstream.state()]));
}

function createUpstreams(settings: Settings, log: Log): Readonly<Record<string, Upstream>> {
  const entries = Object.entries(settings.upstreams).map(([name, options]) => {
    const onAnomaly = (anomaly: UpstreamAnomaly) => log.warn(anomaly, 'an upstream is in trouble');
    return [name, createUpstream({ name, ...options, clock: systemClock, onAnomaly })] as const;
  });
  return Object.fromEntries(entries);
}

/** Where a server listens, and what to change when it cannot. */
interface Address {
  readonly host: string;
  readonly port: number;
  readonly variable: string;
  readonly option: string;
}

function listen(server: Server, address: Address): Promise<string> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) =>
      reject(new StartError([listenFault(cause, address)], { cause }));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      const bound = server.address() as AddressInfo; // as: a TCP server that listens has one
      resolve(`http://${urlHost(host)}:${bound.port}`);
    });
  });
}

function listenFault(cause: NodeJS.ErrnoException, { host, port, variable, option }: Address): string {
  if (cause.code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken: set ${variable} (server.${option}) to another.`;
  return `Cannot listen on ${host}:${port} (${cause.code}): set HOST and ${variable} (server.host, server.${option}).`;
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
