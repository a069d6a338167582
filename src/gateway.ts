import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from './clock.ts';
import { type Environment, parseConfig, type Settings, type WeirConfig } from './config.ts';
import { createIdentify } from './identity/identify.ts';
import { createKeySource } from './identity/keys.ts';
import { createTokenVerifier } from './identity/token.ts';
import { createLog, type Log } from './observe/log.ts';
import { createPipeline } from './operation/pipeline.ts';
import { createCursorCodec } from './page/cursor.ts';
import { createHttpServer, graphqlPath } from './transport/http.ts';
import { createReadMasks } from './upstream/mask.ts';
import type { UpstreamAnomaly } from './upstream/options.ts';
import { createUpstream, type Upstream } from './upstream/upstream.ts';

/** A gateway's life: made, started once, closed once. */
export interface Gateway {
  /**
   * Listens, and resolves with the graph's address. Rejects with a {@link StartError} when the port is taken.
   */
  readonly start: () => Promise<{ readonly url: string }>;
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

/** Wires the stages of a gateway; throws {@link StartError} when the configuration is faulty. */
export function createGateway(config: WeirConfig, options: GatewayOptions = {}): Gateway {
  const parsed = parseConfig(config, options.environment ?? {});
  if (!parsed.ok) throw new StartError(parsed.faults);
  const { settings } = parsed;
  const log = options.log ?? createLog(settings.log.level);
  const upstreams = createUpstreams(settings, log);
  const pipeline = createPipeline({
    clock: systemClock,
    upstreams,
    cursors: createCursorCodec(settings.cursors),
    masks: createReadMasks(settings.schema),
    pages: settings.pages,
    onAnomaly: (anomaly) => log.warn(anomaly, 'an upstream answered with rows that nobody asked for'),
    log,
    timeoutMs: settings.limits.operationTimeoutMs,
  });
  const keys = settings.identity && createKeySource(settings.identity.keys, { clock: systemClock, log, production: settings.production });
  const server = createHttpServer({
    identify: createIdentify(keys && createTokenVerifier(tokenOptions(settings), { clock: systemClock, keys })),
    schema: settings.schema,
    pipeline,
    log,
    bodyMaxBytes: settings.limits.bodyMaxBytes,
    explorer: !settings.production,
  });
  const close = async () => {
    await closeServer(server, settings.limits.closeTimeoutMs);
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  };
  let closed: Promise<void> | undefined;
  return {
    start: () => listen(server, settings),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

function createUpstreams(settings: Settings, log: Log): Readonly<Record<string, Upstream>> {
  const entries = Object.entries(settings.upstreams).map(([name, options]) => {
    const onAnomaly = (anomaly: UpstreamAnomaly) => log.warn(anomaly, 'an upstream is in trouble');
    return [name, createUpstream({ name, ...options, clock: systemClock, onAnomaly })] as const;
  });
  return Object.fromEntries(entries);
}

function listen(server: Server, { server: { host, port } }: Settings): Promise<{ url: string }> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) =>
      reject(new StartError([listenFault(cause, host, port)], { cause }));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      const address = server.address() as AddressInfo; // as: a TCP server that listens has one
      resolve({ url: `http://${urlHost(host)}:${address.port}${graphqlPath}` });
    });
  });
}

function listenFault(cause: NodeJS.ErrnoException, host: string, port: number): string {
  if (cause.code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken: set PORT (server.port) to another.`;
  return `Cannot listen on ${host}:${port} (${cause.code}): set HOST and PORT (server.host, server.port).`;
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** A connection that is cut off takes its operation's signal with it, so that what it waits for is cancelled. */
function closeServer(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = systemClock.after(timeoutMs, () => server.closeAllConnections());
    server.close(() => {
      cancelTimer();
      resolve();
    });
    server.closeIdleConnections();
  });
}
