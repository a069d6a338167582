import { randomUUID } from 'node:crypto';
import type { AddressInfo, Server } from 'node:net';
import { systemClock } from './clock.ts';
import { parseConfig, type Settings, type WeirConfig } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { createBudget } from './guard/budget/budget.ts';
import { costModelVersion } from './guard/cost/cost-model-version.ts';
import { createIdentify } from './identity/identify.ts';
import { createKeySource } from './identity/keys.ts';
import type { KeySource } from './identity/refreshing-keys.ts';
import { createTokenVerifier } from './identity/token.ts';
import { longestTokenMs } from './identity/token-options.ts';
import { createLog, type Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { operationLine } from './observe/operation-log.ts';
import { createRefusedConnects, type RefusedConnects } from './observe/refused-connects.ts';
import { createTraffic } from './observe/traffic.ts';
import { createSharedStores, type SharedStores } from './operation/shared-stores.ts';
import { createSubscriptionLeases } from './operation/subscription-leases.ts';
import { createDeliveries } from './realtime/delivery.ts';
import { createPump } from './realtime/pump.ts';
import { createAdminServer } from './transport/admin.ts';
import { type ClosableStreamRouter, createBrokerStreamRouter } from './transport/broker-stream-router.ts';
import type { Certificate } from './transport/certificate.ts';
import { closeServer } from './transport/close-server.ts';
import { createHttpServer, type GraphServer } from './transport/http.ts';
import type { HttpVariant } from './transport/http-variant.ts';
import { readinessFrom } from './transport/readiness.ts';
import type { UpstreamAnomaly } from './upstream/options.ts';
import { createUpstream, type Upstream, type UpstreamState } from './upstream/upstream.ts';
import { createVariant, loadTrustedDocuments, type Variant, type VariantParts } from './variant.ts';

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
  const { revocations } = parts.stores;
  const admin = createAdminServer({ metrics: parts.metrics, readiness, revocations, log });
  const variants = settings.variants.map((variant) => createVariant(settings, variant, parts));
  const { server, certificate, drain, finish } = createGraphServer(settings, parts, variants);
  const { host, port, adminPort } = settings.server;
  const close = async () => {
    draining = true;
    for (const { trusted } of variants) trusted.close();
    await closeServer(server, settings.limits.closeTimeoutMs, { drain, finish });
    certificate?.close();
    await closeParts(parts);
    // Last, so that who probes sees the drain to its end.
    await closeServer(admin, 0);
  };
  let closed: Promise<void> | undefined;
  return {
    start: async () => {
      const faults = await loadTrustedDocuments(settings, variants, log);
      if (faults.length > 0) throw new StartError(faults);
      await loadCertificate(certificate, settings.tls);
      await revocations.load();
      const url = await listen(server, { host, port, variable: 'PORT', option: 'port' });
      const adminAddress = { host, port: adminPort, variable: 'ADMIN_PORT', option: 'adminPort' };
      const scheme = certificate ? 'https' : 'http';
      return {
        url: `${scheme}${url}${settings.variants[0].paths[0]}`,
        adminUrl: `http${await listen(admin, adminAddress)}`,
      };
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** What the graph's own server shares with the rest of the gateway. */
interface GraphParts extends VariantParts {
  readonly streamRouter: ClosableStreamRouter | undefined;
  readonly keys: KeySource | undefined;
  readonly metrics: Metrics;
  readonly refusedConnects: RefusedConnects;
}

function createParts(settings: Settings, log: Log): GraphParts {
  const clock = systemClock;
  const revocationSeconds = Math.ceil(longestTokenMs(settings.identity) / 1000);
  const stores = createSharedStores({ url: settings.redis.url, clock, log, revocationSeconds });
  const { broker, leases, revocations } = stores;
  const { replayPricePercent } = settings.realtime;
  const deliveries = createDeliveries({ broker, replayPricePercent });
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
      revocations: revocations.status,
      priceModel: costModelVersion,
    }),
    budget: createBudget({
      store: stores.budgets,
      leaseMs: longestOperationMs(settings) + settleMarginMs,
    }),
    traffic: file === '' ? undefined : createTraffic({ file, maxBytes, log }),
    streamRouter: createStreamRouter(settings, stores),
    refusedConnects: createRefusedConnects(log, clock),
  };
}

function longestOperationMs({ variants }: Settings): number {
  return Math.max(...variants.map(({ limits }) => limits.operationTimeoutMs));
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
  parts.refusedConnects.close();
  parts.metrics.close();
}

function createGraphServer(settings: Settings, parts: GraphParts, variants: readonly Variant[]): GraphServer {
  const { log, keys, metrics, streamRouter, refusedConnects } = parts;
  const { revocations } = parts.stores;
  const { identity } = settings;
  const verifier = identity && keys && createTokenVerifier(identity, { clock: systemClock, keys });
  const [first, ...others] = variants.map(httpVariant);
  if (!first) throw new TypeError('expected a variant');
  return createHttpServer({
    variants: [first, ...others],
    identify: createIdentify(verifier, revocations.refuses),
    revocations,
    record: (record) => {
      metrics.operation(record);
      log.info(operationLine(record), 'operation');
    },
    clock: systemClock,
    log,
    edge: settings.server,
    tls: settings.tls,
    realtime: settings.realtime,
    streamSecrets: settings.cursors.secrets,
    ...(streamRouter && { streamRouter }),
    onSubscriptionEnd: ({ transport, reason }) => metrics.subscription.ended(transport, reason),
    onConnectRefused: ({ transport, reason }) => {
      metrics.subscription.refused(transport, reason);
      refusedConnects.add(transport, reason);
    },
    production: settings.production,
    explorer: !settings.production,
  });
}

function httpVariant({ settings, pipeline, cachePolicyOf }: Variant): HttpVariant {
  const { limits } = settings;
  return {
    ...settings,
    pipeline,
    cachePolicyOf,
    bodyMaxBytes: limits.bodyMaxBytes,
    json: limits,
    timeoutMs: limits.operationTimeoutMs,
  };
}

/** Instances that share a Redis take each other's requests for an event stream; one alone has them all. */
function createStreamRouter(
  { redis }: Settings,
  { broker, leases }: SharedStores,
): ClosableStreamRouter | undefined {
  if (redis.url === '') return undefined;
  return createBrokerStreamRouter({ broker, leases, clock: systemClock, instanceId: randomUUID() });
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

async function loadCertificate(
  certificate: Certificate | undefined,
  { certFile, keyFile }: Settings['tls'],
): Promise<void> {
  try {
    await certificate?.load();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StartError([`tls.certFile, tls.keyFile: cannot use ${certFile} with ${keyFile}: ${message}`], {
      cause,
    });
  }
}

/** Where a server listens, and what to change when it cannot. */
interface Address {
  readonly host: string;
  readonly port: number;
  readonly variable: string;
  readonly option: string;
}

/** Resolves with the URL without its scheme. */
function listen(server: Server, address: Address): Promise<string> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) =>
      reject(new StartError([listenFault(cause, address)], { cause }));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      const bound = server.address() as AddressInfo; // as: a TCP server that listens has one
      resolve(`://${urlHost(host)}:${bound.port}`);
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
