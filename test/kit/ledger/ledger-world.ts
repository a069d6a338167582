import { Redis } from 'ioredis';
import { createRandom, type Random } from '../../../seed/random.ts';
import { type GatewayProcess, startGatewayProcess } from '../gateway-process.ts';
import { type RedisServer, startRedisServer } from '../redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';

/** A gateway with its lines to clients and to Redis. */
export interface LedgerInstance {
  /** What clients connect to, whichever process is behind it. */
  readonly url: string;
  readonly clients: TcpProxy;
  readonly redis: TcpProxy;
  readonly process: GatewayProcess | undefined;
  /** What its processes have logged, as lines of JSON. */
  readonly logged: () => readonly string[];
  /** Ends the process at once, and starts another in its place. Resolves when that is ready. */
  readonly replace: () => Promise<void>;
}

/** Gateways on one Redis and the same services. */
export interface LedgerWorld {
  readonly instances: readonly LedgerInstance[];
  readonly server: RedisServer;
  /** To Redis itself. */
  readonly control: Redis;
  /** Between the gateways and the services. */
  readonly upstream: TcpProxy;
  readonly random: Random;
}

/** What the world is made of. */
export interface LedgerWorldOptions {
  readonly seed: number;
  readonly upstreamPort: number;
  readonly instanceCount: number;
  /** Further environment variables of the gateways. */
  readonly environment: Readonly<Record<string, string>>;
}

const upstreamNames = ['CATALOG', 'USERS', 'ORDERS', 'PAYMENTS', 'CHAT'];

/** Starts the world; it ends with the stack. */
export async function openLedgerWorld(
  { seed, upstreamPort, instanceCount, environment }: LedgerWorldOptions,
  stack: AsyncDisposableStack,
): Promise<LedgerWorld> {
  const server = stack.use(await startRedisServer());
  const control = stack.adopt(new Redis(server.url), (client) => client.disconnect());
  control.on('error', () => {}); // it is away while the server restarts
  const upstream = stack.use(await startTcpProxy(upstreamPort));
  const targets = upstreamNames.map((name) => [`WEIR_UPSTREAM_${name}`, `127.0.0.1:${upstream.port}`]);
  const variables = {
    ...Object.fromEntries(targets),
    WEIR_BUDGET_MODE: 'off',
    PORT: '0',
    ADMIN_PORT: '0',
    ...environment,
  };
  const instances = await Promise.all(
    Array.from({ length: instanceCount }, () => openInstance(server.port, variables, stack)),
  );
  return { instances, server, control, upstream, random: createRandom(seed, 'message', 0) };
}

async function openInstance(
  redisPort: number,
  variables: Readonly<Record<string, string>>,
  stack: AsyncDisposableStack,
): Promise<LedgerInstance> {
  const redis = stack.use(await startTcpProxy(redisPort));
  const logged: string[] = [];
  const start = () => startGatewayProcess({ ...variables, REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  let process: GatewayProcess | undefined = await start();
  stack.defer(() => process?.kill());
  const clients = stack.use(await startTcpProxy(portOf(process.url)));
  return {
    url: `http://127.0.0.1:${clients.port}/graphql`,
    clients,
    redis,
    get process() {
      return process;
    },
    logged: () => [...logged, ...(process?.logged() ?? [])],
    replace: async () => {
      const dying = process;
      logged.push(...(dying?.logged() ?? []));
      process = undefined;
      await dying?.kill();
      process = await start();
      clients.retarget(portOf(process.url));
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
