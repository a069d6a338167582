import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, type GraphQLFieldResolver, type GraphQLSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { advise } from '../../src/cli/advise.ts';
import { createBudget } from '../../src/guard/budget/budget.ts';
import type { BudgetStore } from '../../src/guard/budget/budget-store.ts';
import { createMemoryStore } from '../../src/guard/budget/memory-store.ts';
import { type FieldCall, weightsExtension } from '../../src/guard/cost/weights.ts';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import {
  createBudgetPolicy,
  createGateway,
  type OperationContext,
  type WeirConfig,
} from '../../src/index.ts';
import type { TrafficLine } from '../../src/observe/traffic.ts';
import type { Charge } from '../../src/operation/charge.ts';
import { chargingOf } from '../kit/charging.ts';
import { costDirectives } from '../kit/cost-directives.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type Answer, codesOf, createCollectingLog, post } from '../kit/tiny-gateway.ts';
import { library, serveLibrary, type TinyService } from '../kit/tiny-service.ts';

type Context = OperationContext<'library'>;
type Resolver = GraphQLFieldResolver<unknown, Context>;

const shelvesCall: FieldCall = { upstream: 'library', method: library.getShelves.path, call: 5 };

const resolvers: Readonly<Record<string, Resolver>> = {
  fast: () => 'fast',
  things: (_root, { first }) => Array.from({ length: Math.min(first, 4) }, (_, id) => ({ id })),
  shelf: async (_root, _args, { upstreams }) =>
    (await upstreams.library.unary(library.getShelves, { ids: ['1'] })).rows[0],
};

/** Ten things cost ten points, a shelf one, and five of its upstream. */
function createSchema(): GraphQLSchema {
  const schema = buildSchema(`${costDirectives}
    type Query {
      fast: String
      things(first: Int! = 10, note: String): [Thing!] @listSize(slicingArguments: ["first"])
      shelf: Shelf
    }
    type Thing { id: ID }
    type Shelf { label: String }`);
  const fields = schema.getQueryType()?.getFields() ?? {};
  for (const [name, resolve] of Object.entries(resolvers)) Object.assign(fields[name] ?? {}, { resolve });
  Object.assign(fields['shelf'] ?? {}, { extensions: { [weightsExtension]: { calls: [shelvesCall] } } });
  return schema;
}

/** Restores next to nothing while a test runs. */
const slow = (limitPoints: number) =>
  createBudgetPolicy({ anonymous: { limitPoints, restorePerSecond: 0.001 } });

interface PricedGateway extends AsyncDisposable {
  readonly url: string;
  readonly service: TinyService;
  readonly ask: (
    query: string,
    headers?: Record<string, string>,
  ) => Promise<Answer & { readonly cost: Cost }>;
  /** The samples of a metric. */
  readonly samples: (metric: string) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

type Cost = NonNullable<ReturnType<Charge['extension']>> | undefined;

async function openGateway(
  config: Partial<WeirConfig>,
  environment: Record<string, string> = {},
): Promise<PricedGateway> {
  const service = await serveLibrary();
  const gateway = createGateway(
    { schema: createSchema(), upstreams: { library: { target: service.target } }, ...config },
    { environment: { PORT: '0', ADMIN_PORT: '0', ...environment }, log: createCollectingLog() },
  );
  const { url, adminUrl } = await gateway.start();
  const close = async () => {
    await gateway.close();
    await service[Symbol.asyncDispose]();
  };
  return {
    url,
    service,
    ask: async (query, headers) => {
      const answer = await post(url, { query }, headers);
      const { extensions }: { readonly extensions?: { readonly cost?: Cost } } = JSON.parse(answer.text);
      return { ...answer, cost: extensions?.cost };
    },
    samples: async (metric) => {
      const text = await (await fetch(new URL('/metrics', adminUrl))).text();
      return text.split('\n').filter((line) => line.startsWith(metric));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

describe('the modes of budgets', () => {
  const tooMany = '{ things(first: 30) { id } }';

  it.each([
    ['measure', 200, 1],
    ['enforce', 422, 1],
    ['off', 200, 0],
  ] as const)(
    '%s: answers %i what goes beyond a budget, and counts %i refusals',
    async (mode, status, count) => {
      await using gateway = await openGateway({ policy: slow(20), budget: { mode } });
      const answer = await gateway.ask(tooMany);
      expect(answer.status).toBe(status);
      expect(answer.json.errors?.[0]?.extensions.code).toBe(
        status === 422 ? 'COST_LIMIT_EXCEEDED' : undefined,
      );
      const samples = await gateway.samples('weir_budget_refusals_total{');
      expect(samples).toEqual(
        count === 0 ? [] : ['weir_budget_refusals_total{variant="web",code="COST_LIMIT_EXCEEDED"} 1'],
      );
      const [estimated] = await gateway.samples('weir_operation_points_estimated_sum');
      expect(estimated).toMatch(/ 30$/);
    },
  );

  it('measure admits what would have to wait, and takes nothing for it', async () => {
    await using gateway = await openGateway({ policy: slow(20), budget: { mode: 'measure' } });
    for (const left of [16, 12, 8]) {
      const { cost } = await gateway.ask('{ things(first: 4) { id } }');
      expect(cost?.throttleStatus?.currentlyAvailable).toBe(left);
    }
    const { status, cost } = await gateway.ask('{ things(first: 9) { id } }');
    expect(status).toBe(200);
    expect(cost).toMatchObject({ actualQueryCost: 4, throttleStatus: { currentlyAvailable: 8 } });
    expect(await gateway.samples('weir_budget_refusals_total{')).toEqual([
      'weir_budget_refusals_total{variant="web",code="RATE_LIMITED"} 1',
    ]);
  });

  it('off tells prices to those who ask for them only', async () => {
    await using gateway = await openGateway({ budget: { mode: 'off' } });
    expect((await gateway.ask('{ fast }')).cost).toBeUndefined();
    const { cost, headers } = await gateway.ask('{ fast }', { 'graphql-cost': 'report' });
    expect(cost).toMatchObject({ requestedQueryCost: 1, actualQueryCost: 1, throttleStatus: null });
    expect(headers.get('ratelimit')).toBeNull();
  });
});

describe('the price of a document that is prepared', () => {
  it.each([undefined, 'Things'])('is there when the operation %s is asked for', async (operationName) => {
    const schema = createSchema();
    const charging = chargingOf(schema, { policyFor: slow(20) });
    let reads = 0;
    const document = new Proxy(parse('query Things { things(first: 4) { id } }'), {
      get: (target, name) => {
        reads += 1;
        return Reflect.get(target, name);
      },
    });
    charging.prepare(document);
    expect(reads).toBeGreaterThan(0);
    reads = 0;
    const known = {
      principal: anonymousPrincipal('test'),
      upstreams: {},
      timeline: undefined,
      requestId: 'a',
    };
    const context = known as unknown as Parameters<typeof charging.begin>[1]; // as: all that charging looks at
    const charge = await charging.begin(
      { document, operationName, variables: {}, isMutation: false, mode: undefined },
      context,
    );
    expect(charge.recorded().estimatePoints).toBe(4);
    expect(reads).toBe(0);
  });
});

describe('header fields of budgets', () => {
  it.each([true, false])('hold X-RateLimit-* when budget.legacyHeaders is %s', async (legacyHeaders) => {
    await using gateway = await openGateway({ policy: slow(20), budget: { legacyHeaders } });
    const { headers } = await gateway.ask('{ things(first: 4) { id } }');
    expect(headers.get('ratelimit')).toMatch(/^"anonymous";r=16;t=/);
    const legacy = ['limit', 'remaining', 'used'].map((name) => headers.get(`x-ratelimit-${name}`));
    expect(legacy).toEqual(legacyHeaders ? ['20', '16', '4'] : [null, null, null]);
    const resetS = Number(headers.get('x-ratelimit-reset'));
    if (legacyHeaders) expect(resetS).toBeGreaterThan(Date.now() / 1000);
  });
});

describe('who may see prices', () => {
  const production = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'x'.repeat(32) };

  it('is everybody outside production', async () => {
    await using gateway = await openGateway({ policy: slow(20) });
    expect((await gateway.ask('{ fast }')).cost).toBeDefined();
  });

  it('119: is nobody without the scope in production; who asks is refused, and pays nothing', async () => {
    await using gateway = await openGateway({ policy: slow(20), documents: { allow: 'any' } }, production);
    const told = await gateway.ask('{ fast }');
    expect({ status: told.status, data: told.json.data }).toEqual({ status: 200, data: { fast: 'fast' } });
    expect(told.cost).toBeUndefined();
    for (const mode of ['report', 'validate']) {
      const refused = await gateway.ask('{ fast }', { 'graphql-cost': mode });
      expect({ status: refused.status, codes: codesOf(refused) }).toEqual({
        status: 403,
        codes: ['FORBIDDEN'],
      });
      expect(refused.json.errors?.[0]?.message).toContain('prices.scope');
    }
    const after = await gateway.ask('{ fast }');
    expect(after.headers.get('ratelimit')).toMatch(/^"anonymous";r=18;/);
  });

  it('is whoever the gateway says', async () => {
    const isTold = ({ scopes }: { readonly scopes: ReadonlySet<string> }) => scopes.has('prices:read');
    for (const [scopes, cost] of [
      [[], undefined],
      [['prices:read'], 1],
    ] as const) {
      const charge = await beginWith({ isTold, policyFor: slow(20) }, '{ fast }', {
        scopes: new Set(scopes),
      });
      expect(charge.extension()?.requestedQueryCost).toBe(cost);
    }
  });
});

describe('a ceiling of one upstream', () => {
  it.each([
    [4, { fast: 'fast', shelf: null }, ['COST_LIMIT_EXCEEDED'], 0],
    [5, { fast: 'fast', shelf: { label: 'Shelf 1' } }, [], 1],
  ] as const)('of %i points for calls of 5 nulls that part only', async (limit, data, codes, calls) => {
    await using gateway = await openGateway({ upstreamLimitPoints: { library: limit } });
    const answer = await gateway.ask('{ fast shelf { label } }');
    expect(answer.status).toBe(200);
    expect(answer.json.data).toEqual(data);
    expect(codesOf(answer)).toEqual(codes);
    expect(gateway.service.calls).toHaveLength(calls);
    if (codes.length > 0) {
      const [error] = answer.json.errors ?? [];
      expect(error?.extensions).toMatchObject({ costPoints: 5, limitPoints: 4 });
      expect(error?.path).toEqual(['shelf']);
    }
  });
});

describe('an operation that did not come to its end', () => {
  it('pays what it used when its time is over', async () => {
    await using gateway = await openGateway({ policy: slow(50) });
    gateway.service.behave('getShelves', () => {});
    const query = '{ things(first: 9) { id } shelf { label } }';
    const { cost, json } = await gateway.ask(query, { 'weir-timeout-ms': '150' });
    expect(json.data?.['shelf']).toBeNull();
    // Four things of nine, and no shelf.
    expect(cost).toMatchObject({ requestedQueryCost: 10, actualQueryCost: 4 });
    expect(cost?.throttleStatus?.currentlyAvailable).toBe(46);
  });

  it('pays what it used when its client has gone', async () => {
    await using gateway = await openGateway({ policy: slow(50) });
    gateway.service.behave('getShelves', () => {});
    const arrived = gateway.service.nextCall('getShelves');
    const client = new AbortController();
    const gone = fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ things(first: 9) { id } shelf { label } }' }),
      signal: client.signal,
    });
    const call = await arrived;
    client.abort();
    await expect(gone).rejects.toThrow();
    await call.cancelled;
    // The whole estimate is back but for the four things and the points of those who look.
    let looked = 0;
    await expect
      .poll(async () => {
        looked += 1;
        const { cost } = await gateway.ask('{ fast }');
        return (cost?.throttleStatus?.currentlyAvailable ?? 0) + looked;
      })
      .toBe(46);
  });
});

describe('a store that fails', () => {
  const newMemory = () => createMemoryStore({ clock: createFakeClock() });

  it('is told in the log when it cannot settle, once, and the answer stands', async () => {
    const log = createCollectingLog();
    const store: BudgetStore = { ...newMemory(), settle: () => Promise.reject(new Error('away')) };
    const budget = createBudget({ store });
    const charge = await beginWith({ budget, policyFor: slow(20), log }, '{ things(first: 9) { id } }');
    charge.settle();
    charge.settle();
    await expect.poll(() => log.lines.length).toBe(1);
    expect(log.lines[0]).toMatchObject({ level: 'warn', message: 'a budget was not settled' });
    expect(log.lines[0]?.fields).toMatchObject({ requestId: 'request-1' });
  });

  it('rejects the operation when it cannot reserve', async () => {
    const store: BudgetStore = { ...newMemory(), reserve: () => Promise.reject(new Error('away')) };
    const begun = beginWith({ budget: createBudget({ store }), policyFor: slow(20) }, '{ fast }');
    await expect(begun).rejects.toThrow('away');
  });

  it('that answers later is not waited for at the end: what was not used counts as given back', async () => {
    const memory = newMemory();
    const store: BudgetStore = {
      ...memory,
      reserve: async (request) => memory.reserve(request),
      settle: () => new Promise(() => {}),
    };
    const charge = await beginWith(
      { budget: createBudget({ store }), policyFor: slow(30) },
      '{ things(first: 9) { id } }',
    );
    expect(charge.state().tiers[0]?.remainingPoints).toBe(21);
    charge.tally.begin([' Query', 'things Thing'], [1, 4]);
    charge.settle();
    expect(charge.state().tiers[0]?.remainingPoints).toBe(26);
  });
});

describe('an operation that nobody counted', () => {
  it('pays its estimate', async () => {
    const charge = await beginWith({ policyFor: slow(20) }, '{ things(first: 9) { id } }');
    charge.settle();
    expect(charge.recorded()).toEqual({
      estimatePoints: 9,
      actualPoints: 9,
      upstreamCalls: 0,
      refused: undefined,
    });
    expect(charge.extension()).toMatchObject({ requestedQueryCost: 9, actualQueryCost: 9 });
  });
});

describe('a record of traffic', () => {
  it('says what was asked and used without anybody in it, and weir advise reads it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-traffic-'));
    const file = join(folder, 'traffic.jsonl');
    try {
      const gateway = await openGateway({ policy: slow(60), traffic: { file } });
      const query = 'query Things { things(first: 9, note: "secret") { id } }';
      for (let count = 0; count < 12; count += 1) await gateway.ask(query);
      await gateway.ask('{ things(first: 61) { id } }');
      await gateway.close();
      const text = await readFile(file, 'utf8');
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line): TrafficLine => JSON.parse(line));
      const documents = lines.filter((line) => line.kind === 'document');
      const operations = lines.filter((line) => line.kind === 'operation');
      expect(documents).toHaveLength(2);
      expect(operations).toHaveLength(13);
      expect(text).not.toMatch(/secret|127\.0\.0\.1/);
      expect(operations[0]).toMatchObject({
        document: documents[0]?.hash,
        operationName: null,
        type: 'query',
        variant: 'web',
        callerKind: 'anonymous',
        estimatePoints: 9,
        actualPoints: 4,
        upstreamCalls: 0,
        refused: null,
        counts: { ' Query': 1, 'things Thing': 4 },
      });
      expect(new Set(operations.map(({ caller }) => caller)).size).toBe(1);
      expect(operations.at(-1)).toMatchObject({
        refused: 'COST_LIMIT_EXCEEDED',
        actualPoints: 0,
        counts: {},
      });
      const advice = await advise({ schema: createSchema(), file, refusedShare: 0, json: undefined });
      expect(advice).toMatch(/^13 operations\./);
      expect(advice).toMatch(/Query\.things +12 +4 +4 +4/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Begins one operation of an anonymous caller, as the pipeline does. */
async function beginWith(
  parts: Parameters<typeof chargingOf>[1],
  query: string,
  { scopes = new Set<string>() }: { readonly scopes?: ReadonlySet<string> } = {},
): Promise<Charge> {
  const principal = { ...anonymousPrincipal('192.0.2.0/24'), scopes };
  const timeline = { calls: [], droppedCalls: 0 };
  const context = { principal, timeline, requestId: 'request-1', upstreams: {} };
  return chargingOf(createSchema(), parts).begin(
    { document: parse(query), operationName: undefined, variables: {}, isMutation: false, mode: undefined },
    context as unknown as OperationContext, // as: all that charging looks at
  );
}
