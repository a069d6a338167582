import { GraphQLObjectType, GraphQLSchema, GraphQLString, parse, validateExecutionArgs } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { WeirError } from '../../src/errors.ts';
import { idempotencyExtension } from '../../src/idempotency/declaration.ts';
import { createMemoryStore } from '../../src/idempotency/memory-store.ts';
import { type Claim, type Holder, type IdempotencyStore, keyTimes } from '../../src/idempotency/store.ts';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import { createRandomHex } from '../../src/observe/trace.ts';
import { createOperationContext, type OperationContext } from '../../src/operation/context.ts';
import { createExecutor } from '../../src/operation/execution.ts';
import { runOnce } from '../../src/operation/run-once.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createSeal } from '../../src/seal.ts';
import { createReadMasks } from '../../src/upstream/mask.ts';
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts';
import { chargingOf } from '../kit/charging.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';
import { library, serveLibrary, type TinyService } from '../kit/tiny-service.ts';

const key = 'key-0123456789ab';

let service: TinyService;

beforeAll(async () => {
  service = await serveLibrary();
});
afterAll(() => service[Symbol.asyncDispose]());

type Resolve = (context: OperationContext) => unknown;

/** A gateway's part that runs mutations once: a store, a clock, and what its resolvers do. */
function openRunner<Time extends Clock>(clock: Time, changes: Partial<IdempotencyStore> = {}) {
  const log = createCollectingLog();
  const store: IdempotencyStore = { ...createMemoryStore({ clock }), ...changes };
  const parts = { idempotency: store, randomHex: createRandomHex(), clock, log };
  const headers: Record<string, string> = {};
  const upstream: Upstream = createUpstream({ name: 'library', target: service.target, clock });

  async function run(field: string, resolve: Resolve, header: string | null = key) {
    const schema = schemaOf(resolve);
    const document = parse(`mutation { ${field} }`);
    const context = Object.assign(
      createOperationContext(
        {
          variant: 'web',
          clock,
          upstreams: { library: upstream },
          cursors: createSeal({ purpose: 'cursor', secrets: ['x'.repeat(32)] }),
          masks: createReadMasks(schema),
          pages: { defaultSize: 20, maxSize: 100 },
          onAnomaly: () => {},
          broker: createMemoryBroker({ log, clock: createFakeClock() }),
        },
        {
          requestId: 'request-1',
          trace: { traceId: '', traceparent: '' },
          timeoutMs: 1_000_000,
          principal: anonymousPrincipal('test'),
          signal: undefined,
        },
      ),
      {
        idempotencyHeader: header ?? undefined,
        setHeader: (name: string, value: string) => void Object.assign(headers, { [name]: value }),
      },
    );
    const args = { schema, document, contextValue: context };
    const validated = validateExecutionArgs(args);
    if (!('schema' in validated)) throw new AggregateError(validated);
    const operation = {
      document,
      operationName: undefined,
      variables: {},
      isMutation: true,
      mode: undefined,
    };
    const charge = await chargingOf(schema).begin(operation, context);
    const execute = async () => createExecutor()(args, charge.tally, validated);
    const work = { validated, context, charge, execute, answerFrom: <Result>(result: Result) => result };
    return runOnce(work, parts).finally(context.end);
  }
  return { clock, log, headers, run, store, close: () => upstream.close() };
}

function schemaOf(resolve: Resolve): GraphQLSchema {
  const field = (idempotency?: string) => ({
    type: GraphQLString,
    resolve: (_root: unknown, _args: unknown, context: OperationContext) => resolve(context),
    ...(idempotency && { extensions: { [idempotencyExtension]: idempotency } }),
  });
  const fields = { required: field('required'), supported: field('supported'), plain: field() };
  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { none: field() } }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields }),
  });
}

const away = () => Promise.reject(new WeirError('UPSTREAM_UNAVAILABLE'));
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('runOnce()', () => {
  it('holds its claim for as long as it runs, and leaves no timer', async () => {
    const { run, clock } = openRunner(createFakeClock());
    const { promise, resolve } = Promise.withResolvers<string>();
    const first = run('required', () => promise);
    await turn();
    for (let beat = 0; beat < 12; beat += 1) {
      clock.advance(keyTimes.leaseMs / 3);
      await turn();
    }
    await expect(run('required', () => 'second')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONCURRENT_REQUEST',
      extensions: { retryAfterMs: 1000 },
    });
    resolve('first');
    expect((await first).result.data).toEqual({ required: 'first' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives the answer of who took over, when its heartbeats did not arrive', async () => {
    const { run, clock, headers, log } = openRunner(createFakeClock(), { extend: away });
    const { promise, resolve } = Promise.withResolvers<string>();
    const first = run('required', () => promise);
    await turn();
    for (let beat = 0; beat < 4; beat += 1) {
      clock.advance(keyTimes.leaseMs / 3);
      await turn();
    }
    const second = await run('required', () => 'second');
    resolve('first');
    expect(await first).toEqual(second);
    expect(headers).toEqual({ 'Idempotent-Replayed': 'true' });
    expect(log.lines.length).toBeGreaterThan(0);
  });

  it('makes no further call when it hears that its claim is another’s', async () => {
    await using runner = Object.assign(openRunner(createFakeClock(), { extend: async () => false }), {
      [Symbol.asyncDispose]: () => runner.close(),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = runner.run('required', async ({ upstreams }) => {
      await promise;
      return upstreams['library']?.unary(library.getShelves, { ids: ['1'] });
    });
    await turn();
    runner.clock.advance(keyTimes.leaseMs / 3);
    await turn();
    const before = service.calls.length;
    resolve();
    const { result } = await first;
    expect(result.errors?.[0]?.originalError).toMatchObject({ code: 'IDEMPOTENCY_CONCURRENT_REQUEST' });
    expect(service.calls).toHaveLength(before);
  });

  it('gives no answer that is not kept where a key is required, and says so elsewhere', async () => {
    const { run, headers } = openRunner(createFakeClock(), { complete: away });
    await expect(run('required', () => 'done')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    // Nobody knows of the first, so it runs again.
    await expect(run('required', () => 'done')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    const other = 'other-0123456789';
    expect((await run('supported', () => 'done', other)).result.data).toEqual({ supported: 'done' });
    expect(headers).toEqual({ 'Idempotency-Protection': 'none' });
  });

  it('runs what needs no key without the store, and refuses what needs one', async () => {
    const { run, headers } = openRunner(createFakeClock(), { claim: away });
    await expect(run('required', () => 'done')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    for (const field of ['supported', 'plain'])
      expect((await run(field, () => 'done')).result.data).toEqual({ [field]: 'done' });
    expect(headers).toEqual({ 'Idempotency-Protection': 'none' });
  });

  it.each(['claim', 'complete'] as const)(
    'is held no longer than its deadline by a store whose %s hangs',
    async (move) => {
      const { run, clock, store } = openRunner(createFakeClock(), {
        [move]: () => new Promise<never>(() => {}),
      });
      const held = run('supported', () => 'done');
      await turn();
      clock.advance(1_000_000);
      await expect(held).rejects.toMatchObject({ name: 'TimeoutError' });
      await store.close();
    },
  );

  it('gives a claim back that came when its deadline had passed', async () => {
    const claim = Promise.withResolvers<Claim>();
    const released: Holder[] = [];
    const { run, clock } = openRunner(createFakeClock(), {
      claim: () => claim.promise,
      release: async (holder) => void released.push(holder),
    });
    const held = run('required', () => 'done');
    await turn();
    clock.advance(1_000_000);
    await expect(held).rejects.toMatchObject({ name: 'TimeoutError' });
    claim.resolve({ kind: 'claimed', attempt: 1 });
    await turn();
    expect(released).toMatchObject([{ attempt: 1 }]);
  });

  it('leaves to its lease what it cannot give back', async () => {
    const { run, log } = openRunner(createFakeClock(), { release: away, abandon: away });
    const refuse = () => {
      throw new WeirError('FORBIDDEN');
    };
    expect((await run('required', refuse)).result.errors).toHaveLength(1);
    expect(log.lines.map(({ message }) => message)).toEqual([
      'a claim of an idempotency key was left to lapse',
    ]);
    await expect(run('required', () => 'done')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONCURRENT_REQUEST',
    });
  });

  it('abandons what ended without a result', async () => {
    const { run } = openRunner(createFakeClock());
    await expect(run('plain', () => 'x', 'short')).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_INVALID' });
    const fault = new Error('x');
    const failing = run('plain', () => {
      throw fault;
    });
    expect((await failing).result.errors).toHaveLength(1);
    await expect(run('plain', () => 'done')).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  it('tells upstreams and resolvers the key, and upstreams the attempt and the fingerprint', async () => {
    await using runner = Object.assign(openRunner(systemClock), {
      [Symbol.asyncDispose]: () => runner.close(),
    });
    const keys: (string | null)[] = [];
    const resolve: Resolve = async ({ upstreams, idempotencyKey }) => {
      keys.push(idempotencyKey);
      await upstreams['library']?.unary(library.getShelves, { ids: ['1'] });
      throw new Error('Nobody knows.');
    };
    const before = service.calls.length;
    await runner.run('supported', resolve);
    await runner.run('supported', resolve);
    const seen = service.calls.slice(before).map(({ metadata }) => metadata);
    expect(seen).toMatchObject([
      { 'x-weir-idempotency-key': key, 'x-weir-idempotency-attempt': '1' },
      { 'x-weir-idempotency-key': key, 'x-weir-idempotency-attempt': '2' },
    ]);
    const prints = seen.map((metadata) => metadata['x-weir-idempotency-fingerprint']);
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(prints[1]).toBe(prints[0]);
    expect(keys).toEqual([key, key]);
  });

  it('leaves a mutation without a key alone', async () => {
    const { run, store } = openRunner(createFakeClock(), { claim: away });
    expect((await run('plain', ({ idempotencyKey }) => String(idempotencyKey), null)).result.data).toEqual({
      plain: 'null',
    });
    await store.close();
  });
});
