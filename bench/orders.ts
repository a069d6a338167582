import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createRandom, intBetween, pickOne } from '../seed/random.ts';
import { systemClock } from '../src/clock.ts';
import { signDevelopmentToken } from '../src/identity/development-keys.ts';
import { createClient, type PreparedRequest, postBytes } from './harness/client.ts';
import { type Contestant, runContest } from './harness/contest.ts';
import { chooseCores } from './harness/cores.ts';
import type { HttpAnswer } from './harness/http-answer.ts';
import { type Program, type ProgramOptions, startProgram } from './harness/program.ts';
import type { RunOptions, Scenario } from './harness/scenario.ts';

const pageSize = 20;
/** Places in the list to begin a page at. */
const places = 200;
const connections = 32;

/** Who asks. */
const reader = {
  sub: 'user-1',
  issuer: 'weir-development',
  audience: 'weir',
  scope: 'orders:read',
  ttlSeconds: 3600,
};

/** As Relay writes it: a cursor for each edge. */
export const ordersPage = `query OrdersPage($first: Int!, $after: String) {
  orders(first: $first, after: $after) {
    edges {
      cursor
      node {
        id
        state
        createdAt
        total { amount currencyCode }
        customer { id displayName loyaltyTier }
        lines {
          number
          quantity
          unitPrice { amount currencyCode }
          product { id title price { amount currencyCode } }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** How contestants are asked, by their names. */
export interface Asking {
  /** The request for one page. */
  readonly bodyOf: (contestant: string, variables: Readonly<Record<string, unknown>>) => object;
  /** Whether its requests are made anew each time. */
  readonly isFresh: (contestant: string) => boolean;
  /** Beside those that all send. */
  readonly headersOf: (contestant: string) => Readonly<Record<string, string>>;
  /** Undoes the coding of an answer's body; throws where it has not that coding. */
  readonly decode: (contestant: string, body: Buffer) => Buffer;
}

const plainly: Asking = {
  bodyOf: (_contestant, variables) => ({ query: ordersPage, variables }),
  isFresh: () => false,
  headersOf: () => ({}),
  decode: (_contestant, body) => body,
};

/**
 * Loads the servers that `programsOf` names with that page, at random places of the list; `upstream` is their services'
 * address.
 */
export const ordersScenario = (
  description: string,
  programsOf: (upstream: string, options: RunOptions) => readonly ProgramOptions[],
  asking: Partial<Asking> = {},
): Scenario => ({
  description,
  run: async (options) => {
    await using stack = new AsyncDisposableStack();
    const start = async (program: Parameters<typeof startProgram>[0]) => {
      options.signal.throwIfAborted();
      const started = await startProgram(program);
      stack.defer(() => started.end());
      return started;
    };
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-bench-'));
    stack.defer(() => rm(dataDir, { recursive: true, force: true }));
    const others = chooseCores()?.others;
    const shop = await start({
      name: 'upstreams',
      args: ['upstreams/main.ts'],
      environment: { WEIR_DATA_DIR: dataDir, UPSTREAM_PORT: '0' },
      cores: others,
      ready: /upstreams ready on (\S+)/,
    });
    const replay = await start({
      name: 'replay',
      args: ['bench/peers/replay.ts', shop.address],
      cores: others,
      ready: /ready on (\S+)/,
    });
    const servers: Program[] = [];
    for (const program of programsOf(replay.address, options)) servers.push(await start(program));
    options.progress('collecting pages');
    const contestants = await prepare(servers, { ...plainly, ...asking }, options.signal);
    // All answers are learnt: the services and their database need not disturb any more.
    await shop.end();
    const { calls } = replayCounter(replay);
    // Awaited here, or all would be ended before it begins.
    return await runContest(contestants, {
      seconds: options.seconds,
      connections,
      countCalls: calls,
      onCycle: (done, inAll) => options.progress(`cycle ${done} of ${inAll}`),
      signal: options.signal,
    });
  },
});

export const orders = ordersScenario(
  'a page of 20 orders with lines, products and customers: by hand, Weir, plain Yoga',
  (upstream, options) => [
    { ...commonOptions(options), name: 'handwritten', args: ['bench/peers/handwritten.ts', upstream] },
    weirProgram('weir', upstream, options),
    ...options.against.map((folder) => ({
      ...weirProgram(`weir ${folder}`.replaceAll('/', '_'), upstream, options, folder),
      folder,
    })),
    { ...commonOptions(options), name: 'yoga', args: ['bench/peers/yoga.ts', upstream] },
  ],
);

/** The real gateway of a checkout, with budgets that one caller's load does not empty where it has any. */
export function weirProgram(
  name: string,
  upstream: string,
  options: RunOptions,
  folder = process.cwd(),
): ProgramOptions {
  const generous = 'bench/peers/generous.config.ts';
  const config = existsSync(join(folder, generous)) ? ['--config', generous] : [];
  return {
    ...commonOptions(options),
    name,
    args: ['src/cli/main.ts', 'start', ...config],
    environment: { ...targets(upstream), PORT: '0', ADMIN_PORT: '0', WEIR_LOG_LEVEL: 'error' },
  };
}

function commonOptions({ profileFolder }: RunOptions) {
  return { cores: chooseCores()?.server, profileFolder, ready: /ready on (http:\S+)/ };
}

function targets(upstream: string): Record<string, string> {
  const names = ['CATALOG', 'USERS', 'ORDERS', 'PAYMENTS', 'CHAT'];
  return Object.fromEntries(names.map((name) => [`WEIR_UPSTREAM_${name}`, upstream]));
}

function replayCounter(replay: Program) {
  return { calls: async () => (await replay.ask<{ calls: number }>('calls')).calls };
}

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: unknown }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

/** The contestants with their requests, after each has answered each of them like the first. */
async function prepare(
  servers: readonly Program[],
  { bodyOf, isFresh, headersOf, decode }: Asking,
  signal: AbortSignal,
): Promise<readonly Contestant[]> {
  const contestants: Contestant[] = [];
  const authorization = `Bearer ${await signDevelopmentToken(reader, systemClock)}`;
  let expected: readonly unknown[] | undefined;
  for (const { name, address, usage, profile } of servers) {
    const url = new URL(address);
    const client = await createClient(url, 1);
    try {
      const headers = { authorization, ...headersOf(name) };
      const pageOf = ({ body }: HttpAnswer) => parsePage(decode(name, body));
      const requestFor = (after: string | null): PreparedRequest => ({
        bytes: postBytes(url, bodyOf(name, { first: pageSize, after }), headers),
        assertAnswer: ({ status, body }) => assertPage(status, decode(name, body)),
      });
      const askPage = async (after: string | null) => {
        signal.throwIfAborted();
        return pageOf(await client.ask(requestFor(after)));
      };
      const cursors = await collectCursors(askPage);
      const requests = cursors.map(requestFor);
      const nodes: unknown[] = [];
      for (const request of requests) nodes.push(nodesOf(pageOf(await client.ask(request))));
      expected ??= nodes;
      if (!isDeepStrictEqual(nodes, expected))
        throw new Error(`${name} answers other orders than ${servers[0]?.name}`);
      const random = createRandom(1, 'order', contestants.length);
      const next = isFresh(name)
        ? () => requestFor(pickOne(random, cursors))
        : () => pickOne(random, requests);
      contestants.push({ name, url, usage, profile, next });
    } finally {
      client.close();
    }
  }
  return contestants;
}

/** The cursor of one order of each page, the same ones for each contestant: they sign or encode them in their own ways. */
async function collectCursors(askPage: (after: string | null) => Promise<Page>): Promise<readonly string[]> {
  const random = createRandom(1, 'orderShape', 0);
  const cursors: string[] = [];
  let after: string | null = null;
  while (cursors.length < places) {
    const { edges, pageInfo }: Page = await askPage(after);
    const edge = edges[intBetween(random, 0, pageSize - 1)];
    if (!edge) throw new Error(`The list has fewer than ${places} whole pages.`);
    cursors.push(edge.cursor);
    after = pageInfo.endCursor;
  }
  return cursors;
}

/** Cheap, for it runs for each answer while the clock runs. */
function assertPage(status: number, body: Buffer): void {
  if (status === 200 && !body.includes('"errors"') && count(body, '"displayName"') === pageSize) return;
  throw new Error(`a wrong answer (${status}): ${body.toString('utf8', 0, 1000)}`);
}

function count(body: Buffer, text: string): number {
  let found = 0;
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) found += 1;
  return found;
}

function parsePage(body: Buffer): Page {
  const { data }: { data: { orders: Page } } = JSON.parse(body.toString());
  return data.orders;
}

function nodesOf({ edges, pageInfo }: Page) {
  return { nodes: edges.map(({ node }) => node), hasNextPage: pageInfo.hasNextPage };
}
