import { setMaxListeners } from 'node:events';
import { type ChannelOptions, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { addReflection } from './reflection.ts';
import type { ServiceDeps } from './service-deps.ts';
import { createServices, type UpstreamService } from './services.ts';

export interface UpstreamServerOptions extends ServiceDeps {
  /** The shop's five when absent. */
  readonly services?: readonly UpstreamService[];
  /** Address to listen on (127.0.0.1). */
  readonly host?: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** How long calls may take to end after close before they are cut off (1,000). Streams end at once, with UNAVAILABLE. */
  readonly graceMs?: number;
}

export interface UpstreamServer {
  /** The port it listens on. */
  readonly port: number;
  /** Takes no new call, lets the others end, then cuts them off. */
  close(): Promise<void>;
}

/** Connections live for an hour, so that clients find new servers; pings tell dead ones; watchers may ping between messages. */
const OPTIONS: ChannelOptions = {
  // Not here: 'grpc.enable_channelz': 0. Without channelz, forceShutdown of grpc-js 1.14 knows no session and ends none.
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.max_connection_age_ms': 3_600_000,
  'grpc.max_connection_age_grace_ms': 30_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/**
 * Serves the shop with grpc.health.v1 and reflection. The store stays its owner's.
 *
 * @throws the error of the bind (its message contains EADDRINUSE for a taken port).
 */
export async function createUpstreamServer(options: UpstreamServerOptions): Promise<UpstreamServer> {
  const { host = '127.0.0.1', graceMs = 1_000 } = options;
  const closing = new AbortController();
  // Each watcher listens to it, and watchers are as many as the clients want.
  setMaxListeners(0, closing.signal);
  const services = options.services ?? createServices({ ...options, closing: closing.signal });
  const server = new Server(OPTIONS);
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const names = services.map(({ definition }) => nameOf(definition));
  const health = new HealthImplementation();
  for (const name of ['', ...names]) health.setStatus(name, 'SERVING');
  health.addToServer(server);
  addReflection(server, names);
  const port = await bind(server, `${host}:${options.port}`);
  let closed: Promise<void> | undefined;
  return {
    port,
    close: () => {
      for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
      closing.abort();
      closed ??= shutDown(server, graceMs);
      return closed;
    },
  };
}

/** All methods of a service have its name in their path: `/shop.users.v1.UserService/BatchGetUsers`. */
function nameOf(definition: ServiceDefinition): string {
  return Object.values(definition)[0]?.path.split('/')[1] ?? '';
}

async function bind(server: Server, address: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
    if (error) reject(error);
    else resolve(port);
  });
  return promise;
}

async function shutDown(server: Server, graceMs: number): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  // tryShutdown reports an error only for a server that was never bound.
  server.tryShutdown(() => resolve());
  const timer = setTimeout(() => server.forceShutdown(), graceMs);
  await ended;
  clearTimeout(timer);
}
