import { getEventListeners } from 'node:events';
import { envelop, useEngine, useSchema } from '@envelop/core';
import { parse, specifiedRules, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createFindDeprecated } from '../../src/deprecation/deprecated-uses.ts';
import { createDocumentGate } from '../../src/guard/documents/gate.ts';
import { emptyTrustedSet } from '../../src/guard/documents/trusted-set.ts';
import { createDocuments } from '../../src/guard/documents.ts';
import { createMemoryStore } from '../../src/idempotency/memory-store.ts';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import type { OperationRecord } from '../../src/observe/operation-record.ts';
import { createRandomHex, traceFrom } from '../../src/observe/trace.ts';
import { createOperationContext, type OperationParts } from '../../src/operation/context.ts';
import { createPipeline } from '../../src/operation/pipeline.ts';
import type { RequestFacts } from '../../src/operation/request-facts.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createSeal } from '../../src/seal.ts';
import { createReadMasks } from '../../src/upstream/mask.ts';
import { defaultDocumentLimits } from '../guard/shape/default-limits.ts';
import { busyMs } from '../kit/busy.ts';
import { chargingOf } from '../kit/charging.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { realtimeOf } from '../kit/realtime.ts';
import { type AnswerBody, codesOf, createCollectingLog, openTinyGateway } from '../kit/tiny-gateway.ts';
import { buildTinySchema, canary, createProbe, type Probe, shelfById } from '../kit/tiny-schema.ts';

const oneBook = '{ book(id: "Qm9vazo3") { title } }'; // Book:7

describe('a deadline', () => {
  it.each([200, 400])(
    'of %i ms answers a hanging upstream in time, with null where it failed and the rest intact',
    async (timeoutMs) => {
      await using tiny = await openTinyGateway();
      await tiny.ask('{ fast shelf { label } }');
      tiny.service.behave('getBooks', () => {});
      const arrived = tiny.service.nextCall('getBooks');
      const startedMs = systemClock.nowMs();
      const answer = await tiny.ask(
        '{ fast book(id: "Qm9vazo3") { title } shelf { label } }',
        {},
        {
          'weir-timeout-ms': String(timeoutMs),
        },
      );
      expect(systemClock.nowMs() - startedMs).toBeLessThan(timeoutMs + busyMs);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        data: { fast: 'fast', book: null, shelf: { label: 'Shelf 1' } },
        errors: [
          {
            message: 'A service behind this field took too long.',
            path: ['book'],
            locations: [{ line: 1, column: 8 }],
            extensions: { code: 'UPSTREAM_TIMEOUT' },
          },
        ],
      });
      await (await arrived).cancelled;
    },
  );

  it('ends an operation whose resolver never does', async () => {
    await using tiny = await openTinyGateway();
    const startedMs = systemClock.nowMs();
    const answer = await tiny.ask('{ fast stuck }', {}, { 'weir-timeout-ms': '100' });
    const tookMs = systemClock.nowMs() - startedMs;
    expect(answer.status).toBe(504);
    expect(codesOf(answer)).toEqual(['UPSTREAM_TIMEOUT']);
    expect(answer.json).not.toHaveProperty('data');
    expect(tookMs).toBeGreaterThanOrEqual(100);
    expect(tookMs).toBeLessThan(100 + busyMs);
  });

  it('is the option when the client names none', async () => {
    await using tiny = await openTinyGateway({ limits: { operationTimeoutMs: 60 } });
    const startedMs = systemClock.nowMs();
    expect(codesOf(await tiny.ask('{ stuck }'))).toEqual(['UPSTREAM_TIMEOUT']);
    expect(systemClock.nowMs() - startedMs).toBeLessThan(60 + busyMs);
  });
});

describe('the end of an operation', () => {
  it('109: comes with its answer: later loads are refused, the timer is gone', async () => {
    await using tiny = await openTinyGateway();
    await tiny.ask('{ fast }');
    const [context] = tiny.probe.contexts;
    await expect(context?.load(shelfById, '1')).rejects.toThrow('was used after its operation ended');
    expect(tiny.service.calls).toEqual([]);
    expect(getEventListeners(context?.signal ?? new EventTarget(), 'abort')).toEqual([]);
  });

  it('comes also when the execution cannot begin', async () => {
    const engine = createEngine();
    const result = await engine.run('query Q($n: Even) { even(n: $n) fast }', { n: 1 });
    expect(result.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(engine.clock.pendingTimers).toBe(0);
  });

  it('comes also when the operation fails before it is executed', async () => {
    const engine = createEngine();
    const result = await engine.execute({
      document: { kind: 'Document', definitions: [{ kind: 'OperationDefinition', operation: 'query' }] },
    });
    expect(result).toEqual({
      errors: [expect.objectContaining({ message: 'Something went wrong on our side.' })],
    });
    expect(engine.clock.pendingTimers).toBe(0);
    expect(engine.log.lines).toHaveLength(1);
  });

  it('leaves no timer and no listener after 10,000 operations', async () => {
    const engine = createEngine();
    const client = new AbortController();
    let most = 0;
    for (let round = 0; round < 100; round += 1) {
      const running = Array.from({ length: 100 }, () =>
        engine.run('{ fast }', {}, { signal: client.signal }),
      );
      most = Math.max(most, engine.clock.pendingTimers);
      await Promise.all(running);
    }
    expect(most).toBeGreaterThan(0); // negative control: the timers were there
    expect(engine.clock.pendingTimers).toBe(0);
    expect(getEventListeners(client.signal, 'abort')).toEqual([]);
    expect(engine.probe.contexts).toHaveLength(10_000);
  });

  it('is idempotent', () => {
    const clock = createFakeClock();
    const context = createOperationContext(partsWith(clock), {
      requestId: 'r',
      trace: traceFrom(undefined, createRandomHex()),
      principal: anonymousPrincipal('test'),
      timeoutMs: 100,
      signal: undefined,
    });
    expect(clock.pendingTimers).toBe(1);
    context.end();
    context.end();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('an operation with an upstream in its context', () => {
  it('shares the call among equal loads and records it', async () => {
    await using tiny = await openTinyGateway();
    const query =
      '{ fast a: shelf { label } b: shelf { label } books(first: 9) { edges { node { shelf { label } } } } }';
    const answer = await tiny.ask(query);
    expect(answer.json.errors).toBeUndefined();
    expect(tiny.service.calls.map(({ method }) => method).sort()).toEqual([
      'getShelves',
      'getShelves',
      'listBooks',
    ]);
    const [context] = tiny.probe.contexts;
    expect(context?.timeline.batches.map(({ keys, duplicates }) => [keys, duplicates])).toEqual([
      [1, 1],
      [2, 7],
    ]);
    expect(context?.timeline.calls).toHaveLength(3);
  });

  it('asks for the members that it selects, in fragments too', async () => {
    await using tiny = await openTinyGateway();
    await tiny.ask(`${oneBook.replace('title', '...a shelf { label }')} fragment a on Book { pageCount }`);
    expect(tiny.service.calls[0]?.request).toEqual({ ids: ['7'], readMask: ['page_count', 'shelf_id'] });
  });
});

describe('a subscription', () => {
  it('gives settled events and ends its operation with the last', async () => {
    const engine = createEngine();
    engine.probe.ticks = async function* () {
      yield* [1, -1];
    };
    const events = await engine.subscribe('subscription { ticks }');
    expect(await events.next()).toMatchObject({ value: { data: { ticks: 1 } } });
    expect(engine.clock.pendingTimers).toBe(1);
    const { value } = await events.next();
    expect(value.errors[0]).toMatchObject({
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'request-1' },
    });
    expect(JSON.stringify(value)).not.toContain(canary);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(engine.clock.pendingTimers).toBe(0);
  });

  it('ends its operation and its source when the reader leaves', async () => {
    for (const events of ['before', 'after'] as const) {
      const engine = createEngine();
      const returned = Promise.withResolvers<void>();
      engine.probe.ticks = () => parkedTicks(returned.resolve);
      const stream = await engine.subscribe('subscription { ticks }');
      if (events === 'after') await stream.next();
      const parked = events === 'after' ? stream.next() : undefined;
      expect(engine.clock.pendingTimers).toBe(1);
      expect(await stream.return()).toEqual({ done: true, value: undefined });
      expect(engine.clock.pendingTimers).toBe(0);
      await returned.promise;
      await parked;
    }
  });

  it('ends its operation when its source fails, and says nothing of it', async () => {
    const engine = createEngine();
    engine.probe.ticks = async function* () {
      yield 1;
      throw new Error(`${canary} source`);
    };
    const stream = await engine.subscribe('subscription { ticks }');
    await stream.next();
    const failure = await stream.next().catch((error: unknown) => error);
    expect(failure).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(String(failure)).not.toContain(canary);
    expect(engine.clock.pendingTimers).toBe(0);
    expect(engine.log.lines).toHaveLength(1);
  });

  it('that cannot begin is a settled result', async () => {
    const engine = createEngine();
    engine.probe.ticks = () => {
      throw new Error(`${canary} start`);
    };
    const result = await engine.run('subscription { ticks }');
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', requestId: 'request-1' });
    expect(engine.clock.pendingTimers).toBe(0);
  });
});

/** One tick, then silence until it is left. */
function parkedTicks(onReturn: () => void): AsyncIterableIterator<number> {
  const parked = Promise.withResolvers<IteratorResult<number>>();
  let isFirst = true;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      if (!isFirst) return parked.promise;
      isFirst = false;
      return Promise.resolve({ done: false, value: 1 });
    },
    return: () => {
      onReturn();
      parked.resolve({ done: true, value: undefined });
      return parked.promise;
    },
  };
}

function partsWith(clock: OperationParts['clock'], probe: Probe = createProbe()): OperationParts {
  return {
    variant: 'web',
    clock,
    upstreams: {},
    cursors: createSeal({ purpose: 'cursor', secrets: ['x'.repeat(32)] }),
    masks: createReadMasks(buildTinySchema(probe)),
    pages: { defaultSize: 20, maxSize: 100 },
    onAnomaly: () => {},
    broker: createMemoryBroker({ log: createCollectingLog(), clock: createFakeClock() }),
  };
}

/** The pipeline as a transport other than HTTP obtains it. */
function createEngine() {
  const probe = createProbe();
  const clock = createFakeClock();
  const log = createCollectingLog();
  const records: OperationRecord[] = [];
  const schema = buildTinySchema(probe);
  const documents = createDocuments(defaultDocumentLimits);
  const pipeline = createPipeline({
    documents,
    gate: createDocumentGate({
      documents,
      trusted: { current: () => emptyTrustedSet },
      automatic: undefined,
      allow: 'any',
      scope: 'documents:any',
      production: false,
      onFound: () => {},
    }),
    ...partsWith(clock, probe),
    limits: defaultDocumentLimits,
    // Its timers are those of the gateway, and not of an operation.
    ...realtimeOf(createFakeClock(), log),
    charging: chargingOf(schema),
    legacyHeaders: false,
    mayIntrospect: () => true,
    idempotency: createMemoryStore({ clock }),
    recordTraffic: undefined,
    findDeprecated: createFindDeprecated(''),
    log,
    randomHex: createRandomHex(),
  });
  const getEnveloped = envelop({
    plugins: [
      // The pipeline brings its own execute and subscribe.
      useEngine({ parse, validate, specifiedRules }),
      useSchema(schema),
      pipeline as Parameters<typeof envelop>[0]['plugins'][number] & object, // Yoga's plugins are Envelop's and more
    ],
  });
  async function start(document: unknown, variableValues: object, facts: Partial<RequestFacts>) {
    const initial = {
      requestId: 'request-1',
      deadlineMs: clock.nowMs() + 5000,
      traceparent: undefined,
      naming: { documentId: undefined, extensions: undefined, origin: 'safe' as const },
      costHeader: undefined,
      idempotencyHeader: undefined,
      setHeader: () => {},
      principal: anonymousPrincipal('test'),
      record: (record: OperationRecord) => void records.push(record),
      signal: new AbortController().signal,
      ...facts,
    };
    const enveloped = getEnveloped(initial);
    const parsed = typeof document === 'string' ? enveloped.parse(document) : document;
    const isSubscription = typeof document === 'string' && document.startsWith('subscription');
    const contextValue = await enveloped.contextFactory();
    const run = isSubscription ? enveloped.subscribe : enveloped.execute;
    return run({ schema, document: parsed, contextValue, variableValues });
  }
  return {
    probe,
    clock,
    log,
    run: async (
      query: string,
      variables: object = {},
      facts: Partial<RequestFacts> = {},
    ): Promise<AnswerBody> => (await start(query, variables, facts)) as AnswerBody,
    execute: ({ document }: { readonly document: unknown }) => start(document, {}, {}),
    subscribe: async (query: string) =>
      (await start(query, {}, {})) as AsyncIterator<AnswerBody> & {
        next(): Promise<{ value: { errors: AnswerBody[] } & AnswerBody }>;
        return(): Promise<unknown>;
      },
  };
}
