import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeNodeId } from '../../src/index.ts';
import type { Fault } from '../../upstreams/faults.ts';
import { busyMs } from '../kit/busy.ts';
import { codesOf, openTinyGateway } from '../kit/tiny-gateway.ts';
import type { TinyContext } from '../kit/tiny-schema.ts';
import { library } from '../kit/tiny-service.ts';
import { listenSilently } from '../upstream/silent-server.ts';
import { figuresOf, printFigures } from './figures.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { startWatchedShop, type WatchedShop } from './watched-shop.ts';

const deadlineMs = 200;
/** Within which the answer is there, at the median of the runs. */
const answerMs = 250;
/** Within which of the deadline the service knows that nobody waits, at the median. */
const cancelSeenMs = 100;
/** Within which of the last answer nothing is left running. */
const quietMs = 1_000;
const runs = 40;
/** Operations at one time: fewer than the services have connections to Postgres, so that none waits for another. */
const concurrency = 5;

let shop: WatchedShop;
let client: HttpClient;

beforeAll(async () => {
  shop = await startWatchedShop();
  client = createHttpClient(shop.url, concurrency);
});

afterAll(async () => {
  client?.close();
  await shop?.[Symbol.asyncDispose]();
});

afterEach(() => shop.faults.clear());

/** One service that hangs, and what the client is given all the same. */
interface Scenario {
  readonly name: string;
  /** The RPC that hangs. */
  readonly method: string;
  readonly fault: Fault;
  readonly query: string;
  readonly variables?: object;
  readonly data: unknown;
  readonly errorPaths: readonly (readonly (string | number)[])[];
}

const products = '{ products(first: 1, order: BESTSELLING) { edges { node { id } } }';
const productsData = { edges: [{ node: { id: expect.any(String) } }] };
const order = encodeNodeId('Order', 'order-1');
const product = encodeNodeId('Product', 'product-1');
const syncOrders = `mutation ($order: ID!) {
  updateProfile(input: { displayName: "Ada" }) { user { displayName } }
  syncOrders(events: [{ id: "1", order: $order, kind: PACKED }, { id: "2", order: $order, kind: PACKED }]) { id }
}`;
const profileData = { user: { displayName: 'Ada' } };

const scenarios: readonly Scenario[] = [
  {
    name: 'a unary call',
    method: 'UserService/BatchGetUsers',
    fault: { hang: true },
    query: `${products} viewer { user { displayName } } }`,
    data: { products: productsData, viewer: { user: null } },
    errorPaths: [['viewer', 'user']],
  },
  {
    name: 'a batch of the second level, of which each row says so',
    method: 'UserService/BatchGetUsers',
    fault: { hang: true },
    query: '{ orders(first: 3) { edges { node { id customer { displayName } } } } }',
    data: { orders: { edges: Array(3).fill({ node: { id: expect.any(String), customer: null } }) } },
    errorPaths: [0, 1, 2].map((index) => ['orders', 'edges', index, 'node', 'customer']),
  },
  {
    name: 'a server stream before its first message',
    method: 'OrderService/ListOrders',
    fault: { hang: true },
    query: `${products} orders(first: 5) { edges { node { id } } } }`,
    data: { products: productsData, orders: null },
    errorPaths: [['orders']],
  },
  {
    name: 'a server stream after its third message',
    method: 'OrderService/ListOrders',
    fault: { hang: true, afterMessages: 3 },
    query: `${products} orders(first: 5) { edges { node { id } } } }`,
    data: { products: productsData, orders: null },
    errorPaths: [['orders']],
  },
  {
    name: 'a client stream',
    method: 'OrderService/SubmitOrder',
    fault: { hang: true },
    query: `mutation ($product: ID!) {
      updateProfile(input: { displayName: "Ada" }) { user { displayName } }
      submitOrder(input: { lines: [{ product: $product, quantity: 1 }] }) { __typename }
    }`,
    variables: { product },
    data: { updateProfile: profileData, submitOrder: null },
    errorPaths: [['submitOrder']],
  },
  {
    name: 'a duplex before its first answer',
    method: 'OrderService/SyncOrders',
    fault: { hang: true },
    query: syncOrders,
    variables: { order },
    data: { updateProfile: profileData, syncOrders: null },
    errorPaths: [['syncOrders']],
  },
  {
    name: 'a duplex after its first answer',
    method: 'OrderService/SyncOrders',
    fault: { hang: true, afterMessages: 1 },
    query: syncOrders,
    variables: { order },
    data: { updateProfile: profileData, syncOrders: null },
    errorPaths: [['syncOrders']],
  },
];

interface Run {
  readonly answeredMs: number;
  /** When the service knew, from the moment of the deadline. */
  readonly seenMs: number;
}

/** Sends one operation with the deadline; of another viewer in each lane, so that no two share a call. */
function send({ query, variables = {} }: Scenario, lane: number, requestId: string) {
  const headers = {
    authorization: bearers[lane] ?? '',
    'weir-timeout-ms': String(deadlineMs),
    'x-request-id': requestId,
  };
  return client.send({ query, variables, headers }).answer;
}

/** One operation with the deadline, its answer checked. */
async function run(scenario: Scenario, lane = 0): Promise<Run> {
  const { method, data, errorPaths } = scenario;
  const requestId = `deadline-${crypto.randomUUID()}`;
  const startedMs = performance.now();
  const { text, durationMs } = await send(scenario, lane, requestId);
  expect(JSON.parse(text)).toEqual({
    data,
    errors: errorPaths.map((path) =>
      expect.objectContaining({
        path,
        extensions: expect.objectContaining({ code: 'UPSTREAM_TIMEOUT' }),
      }),
    ),
  });
  const hanging = shop.served.find((call) => call.requestId === requestId && call.method === method);
  await vi.waitFor(() => expect(hanging?.cancelledMs).toBeDefined(), { timeout: quietMs, interval: 5 });
  return { answeredMs: durationMs, seenMs: (hanging?.cancelledMs ?? 0) - startedMs - deadlineMs };
}

let bearers: readonly string[];
beforeAll(async () => {
  const lanes = Array.from({ length: concurrency }, (_, lane) => `orders:read orders:write lane:${lane}`);
  bearers = await Promise.all(lanes.map((scopes) => shop.bearerOf('user-1', scopes)));
});

/** `count` runs, `concurrency` of them at a time. */
async function runAll(scenario: Scenario, count = runs): Promise<readonly Run[]> {
  const lanes = Array.from({ length: concurrency }, async (_, lane) => {
    const measured: Run[] = [];
    while (measured.length < count / concurrency) measured.push(await run(scenario, lane));
    return measured;
  });
  return (await Promise.all(lanes)).flat();
}

function assertFigures(name: string, measured: readonly Run[]): void {
  const answers = figuresOf(measured.map(({ answeredMs }) => answeredMs));
  const seen = figuresOf(measured.map(({ seenMs }) => seenMs));
  printFigures(`${deadlineMs} ms deadline, ${name}`, {
    answerMs: answers,
    cancelSeenAfterDeadlineMs: seen,
  });
  expect(answers.p50).toBeLessThanOrEqual(answerMs);
  expect(answers.max).toBeLessThanOrEqual(answerMs + busyMs);
  expect(seen.p50).toBeLessThanOrEqual(cancelSeenMs);
  expect(seen.max).toBeLessThanOrEqual(cancelSeenMs + busyMs);
}

/** What keeps this process alive, by kind: the gateway, the services and the test itself. */
function activeResources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Kinds of resource of which there are more than at `baseline`. */
function grown(baseline: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(activeResources())
    .filter(([kind, count]) => count > (baseline[kind] ?? 0))
    .map(([kind, count]) => `${count} ${kind}, ${baseline[kind] ?? 0} before`);
}

/** Waits until nothing runs, and gives what keeps the process alive then: the timers of this wait are among it. */
function untilQuiet(baseline?: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
  return vi.waitFor(
    async () => {
      const left = [...(await shop.running()), ...(baseline ? grown(baseline) : [])];
      expect(left).toEqual([]);
      return activeResources();
    },
    { timeout: quietMs, interval: 20 },
  );
}

describe(`a deadline of ${deadlineMs} ms against a service that hangs`, () => {
  let baseline: Readonly<Record<string, number>>;

  beforeAll(async () => {
    // Opens every connection there may be, so that what is more afterwards was left behind. The first time takes as long as
    // it takes, so nobody looks at the answers: code is loaded and compiled, too.
    await shop.openConnections();
    for (const scenario of scenarios) {
      shop.faults.set(scenario.method, scenario.fault);
      await Promise.all(bearers.map((_, lane) => send(scenario, lane, `first-${lane}`)));
      shop.faults.clear();
    }
    baseline = await untilQuiet();
  });

  it.each(scenarios)('is kept on $name, with the rest of the answer', async (scenario) => {
    shop.faults.set(scenario.method, scenario.fault);
    assertFigures(scenario.name, await runAll(scenario));
    await untilQuiet(baseline);
  });

  it('is not noticed by chance: what runs before it is seen to run', async () => {
    const [scenario] = scenarios;
    if (!scenario) throw new Error('There is no scenario.');
    shop.faults.set(scenario.method, scenario.fault);
    const ran = run(scenario);
    await vi.waitFor(async () => expect(await shop.running()).toHaveLength(2), { interval: 5 });
    await ran;
    await untilQuiet(baseline);
  });

  it('is kept when it is Postgres that hangs, and the statement is cancelled there', async () => {
    const [scenario] = scenarios;
    if (!scenario) throw new Error('There is no scenario.');
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holding = shop.store.transaction(async (tx) => {
      await tx.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    try {
      assertFigures('a lock in Postgres', await runAll(scenario));
    } finally {
      release.resolve();
      await holding;
    }
    await untilQuiet();
  });
});

describe('a deadline that no service can keep', () => {
  const book = `{ fast book(id: "${encodeNodeId('Book', '1')}") { title } }`;
  const slowRuns = 9;
  const late = { data: { fast: 'fast', book: null }, code: 'UPSTREAM_TIMEOUT' };

  /** The median time of answers that must be the partial one. */
  async function medianOf(
    ask: (headers: Record<string, string>) => ReturnType<Awaited<ReturnType<typeof openTinyGateway>>['ask']>,
    timeoutMs: number,
  ) {
    const times: number[] = [];
    for (let index = 0; index < slowRuns; index += 1) {
      const startedMs = performance.now();
      const answer = await ask({ 'weir-timeout-ms': String(timeoutMs) });
      times.push(performance.now() - startedMs);
      expect(answer.json.data).toEqual(late.data);
      expect(codesOf(answer)).toEqual([late.code]);
    }
    return figuresOf(times);
  }

  it('is kept when the service accepts TCP and never speaks', async () => {
    await using silent = await listenSilently();
    await using tiny = await openTinyGateway({ upstreams: { library: { target: silent.target } } });
    const answers = await medianOf((headers) => tiny.ask(book, {}, headers), deadlineMs);
    printFigures(`${deadlineMs} ms deadline, TCP accepted and no word`, answers);
    expect(answers.p50).toBeLessThanOrEqual(answerMs);
    expect(answers.max).toBeLessThanOrEqual(answerMs + busyMs);
  });

  it('is kept when the service speaks HTTP/2 and never answers, and its stream is reset', async () => {
    const resets: Promise<number>[] = [];
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      resets.push(promise);
      stream.on('error', () => {}).on('close', () => resolve(stream.rstCode ?? -1));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`; // as: TCP
    try {
      await using tiny = await openTinyGateway({ upstreams: { library: { target } } });
      const answers = await medianOf((headers) => tiny.ask(book, {}, headers), deadlineMs);
      printFigures(`${deadlineMs} ms deadline, HTTP/2 without an answer`, answers);
      expect(answers.p50).toBeLessThanOrEqual(answerMs);
      const cancel = 8; // RFC 9113 section 7
      expect(await Promise.all(resets)).toEqual(Array(slowRuns).fill(cancel));
    } finally {
      server.close();
    }
  });

  it('is kept when it is the keys of tokens that never come', async () => {
    await using silent = await listenSilently();
    const keys = { kind: 'url', url: `http://${silent.target}/keys`, allowHttp: true } as const;
    const identity = { issuer: 'weir-development', audience: 'weir', keys };
    await using tiny = await openTinyGateway({ identity });
    const times: number[] = [];
    for (let index = 0; index < slowRuns; index += 1) {
      const startedMs = performance.now();
      const headers = { authorization: bearers[0] ?? '', 'weir-timeout-ms': String(deadlineMs) };
      const answer = await tiny.ask('{ fast }', {}, headers);
      times.push(performance.now() - startedMs);
      expect(answer.status).toBe(504);
      expect(codesOf(answer)).toEqual(['UPSTREAM_TIMEOUT']);
    }
    const answers = figuresOf(times);
    printFigures(`${deadlineMs} ms deadline, the keys of tokens never come`, answers);
    expect(answers.p50).toBeLessThanOrEqual(answerMs);
    expect(answers.max).toBeLessThanOrEqual(answerMs + busyMs);
  });

  it('is kept when it is shorter than the way to the service, which then learns of it', async () => {
    const wayMs = 100;
    await using tiny = await openTinyGateway();
    await using slow = await listenSlowly(tiny.service.target, wayMs);
    await using far = await openTinyGateway({ upstreams: { library: { target: slow.target } } });
    // Connected, so that only the way counts.
    expect((await far.ask(book)).json.errors).toBeUndefined();
    const before = tiny.service.calls.length;
    const answers = await medianOf((headers) => far.ask(book, {}, headers), 50);
    printFigures(`50 ms deadline, ${wayMs} ms to the service`, answers);
    expect(answers.p50).toBeLessThanOrEqual(100);
    await vi.waitFor(() => expect(tiny.service.calls.length).toBe(before + slowRuns), { timeout: quietMs });
  });

  it('refuses what is asked of a service after it has passed, without a call', async () => {
    await using tiny = await openTinyGateway({ schema: lateSchema });
    for (let index = 0; index < slowRuns; index += 1) {
      const answer = await tiny.ask('{ fast late }', {}, { 'weir-timeout-ms': '1' });
      expect(answer.json.data).toEqual({ fast: 'fast', late: null });
      expect(codesOf(answer)).toEqual(['UPSTREAM_TIMEOUT']);
    }
    expect(tiny.service.calls).toEqual([]);
  });
});

/** `late` has work of its own first, which takes more than the millisecond that there is. */
const lateSchema = new GraphQLSchema({
  query: new GraphQLObjectType<unknown, TinyContext>({
    name: 'Query',
    fields: {
      fast: { type: new GraphQLNonNull(GraphQLString), resolve: () => 'fast' },
      late: {
        type: GraphQLString,
        resolve: async (_root, _args, context) => {
          const startedMs = performance.now();
          while (performance.now() - startedMs < 3);
          await context.upstreams.library.unary(library.getBooks, { ids: ['1'] });
          return 'late';
        },
      },
    },
  }),
});

/** A TCP server that passes everything on to `target` and back, each byte `delayMs` later. */
async function listenSlowly(target: string, delayMs: number) {
  const sockets = new Set<Socket>();
  const port = Number(target.split(':')[1]);
  const pipe = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), delayMs));
    from.on('error', () => {}).on('close', () => to.destroy());
  };
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    pipe(socket, onward);
    pipe(onward, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`, // as: TCP
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
