import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineLoader, type Sharing } from '../../src/batch/loader.ts';
import { createSharedBatches } from '../../src/batch/shared.ts';
import { systemClock } from '../../src/clock.ts';
import { anonymousPrincipal, type Principal, verifiedPrincipal } from '../../src/identity/principal.ts';
import { createRandomHex, traceFrom } from '../../src/observe/trace.ts';
import { createOperationContext, type OperationContext } from '../../src/operation/context.ts';
import { joinContexts } from '../../src/operation/joint-context.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createSeal } from '../../src/seal.ts';
import { createReadMasks } from '../../src/upstream/mask.ts';
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';
import { buildTinySchema, createProbe } from '../kit/tiny-schema.ts';
import { library, type Shelf, serveLibrary, type TinyService } from '../kit/tiny-service.ts';

let service: TinyService;
let upstream: Upstream;

beforeAll(async () => {
  service = await serveLibrary();
  upstream = createUpstream({ name: 'library', target: service.target, clock: systemClock });
});
afterAll(async () => {
  await upstream?.close();
  await service?.[Symbol.asyncDispose]();
});

/** The operations of one gateway: their batches are shared as its pipeline shares them. */
function createOperations() {
  const parts = {
    variant: 'web',
    clock: systemClock,
    upstreams: { library: upstream },
    cursors: createSeal({ purpose: 'cursor', secrets: ['x'.repeat(32)] }),
    masks: createReadMasks(buildTinySchema(createProbe())),
    pages: { defaultSize: 20, maxSize: 100 },
    onAnomaly: () => {},
    broker: createMemoryBroker({ log: createCollectingLog(), clock: createFakeClock() }),
  };
  const sharedBatches = createSharedBatches(joinContexts(parts));
  const randomHex = createRandomHex();
  return (principal: Principal, requestId: string): OperationContext =>
    createOperationContext(
      { ...parts, sharedBatches },
      {
        requestId,
        trace: traceFrom(undefined, randomHex),
        timeoutMs: 10_000,
        principal,
        signal: undefined,
      },
    );
}

const shelvesBy = (sharing: Sharing | undefined) =>
  defineLoader({
    name: 'shelfById',
    maxBatchSize: 100,
    upstream: 'library',
    keyOf: (shelf: Shelf) => shelf.id,
    fetch: async (ids: readonly string[], _args: undefined, context: OperationContext) => {
      const { library: books } = context.upstreams;
      if (!books) throw new Error('expected the library');
      return (await books.unary(library.getShelves, { ids })).rows;
    },
    ...(sharing && { sharing }),
  });

interface Given {
  readonly tenant?: string;
  readonly client?: string;
  readonly scopes?: readonly string[];
}

function user(subject: string, { tenant, client, scopes = [] }: Given = {}): Principal {
  return verifiedPrincipal({
    subject,
    tenant: tenant ?? null,
    client: client ?? null,
    scopes: new Set(scopes),
    issuedAtMs: 0,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  });
}

/** What the service saw when all of them asked for one shelf in one turn: of each call who asked, and its keys. */
async function seenOf(sharing: Sharing | undefined, principals: readonly Principal[]) {
  const begin = createOperations();
  const loader = shelvesBy(sharing);
  const before = service.calls.length;
  const contexts = principals.map((principal, index) => begin(principal, `request-${index}`));
  const rows = await Promise.all(contexts.map((context) => context.load(loader, '7')));
  expect(rows).toEqual(principals.map(() => ({ id: '7', label: 'Shelf 7' })));
  for (const context of contexts) context.end();
  return service.calls
    .slice(before)
    .map(({ metadata, request }) => ({ told: toldOf(metadata), request }))
    .toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}

/** What of a call's metadata says who asks. */
function toldOf(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.entries(metadata).filter(([key]) => key.startsWith('x-weir-') || key === 'x-request-id');
  return Object.fromEntries(own.map(([key, value]) => [key.replace('x-weir-', ''), value]));
}

const request = { ids: ['7'] };
const call = (requestId: string, told: object = {}) => ({
  told: { 'x-request-id': requestId, ...told },
  request,
});

describe('111: operations of one turn that ask for one key', () => {
  it('make a call each by default, also those of one user, and each says who asks', async () => {
    expect(await seenOf(undefined, [user('ann'), user('bob'), user('ann'), anonymousPrincipal('n')])).toEqual(
      [
        call('request-3'),
        call('request-0', { subject: 'ann' }),
        call('request-1', { subject: 'bob' }),
        call('request-2', { subject: 'ann' }),
      ].toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1)),
    );
  });

  it.each([
    ['users', user('ann'), user('bob')],
    ['tenants', user('ann', { tenant: 'a' }), user('ann', { tenant: 'b' })],
    ['clients', user('ann', { client: 'app' }), user('ann', { client: 'web' })],
    ['scopes', user('ann', { scopes: ['read'] }), user('ann', { scopes: [] })],
    ['networks', anonymousPrincipal('10.0.0.0/24'), anonymousPrincipal('10.0.1.0/24')],
    ['somebody and nobody', user('ann'), anonymousPrincipal('10.0.0.0/24')],
  ])('make a call each when they are of different %s and share with their own', async (_what, one, other) => {
    expect(await seenOf('viewer', [one, other])).toHaveLength(2);
    expect(await seenOf('viewer', [one, one])).toHaveLength(1);
  });

  it('make one call of the viewer, which says all that each of them would have said', async () => {
    const ann = user('ann', { tenant: 'a', client: 'app', scopes: ['read', 'list'] });
    expect(await seenOf('viewer', [ann, ann])).toEqual([
      call('request-0', { subject: 'ann', tenant: 'a', client: 'app', scopes: 'list read' }),
    ]);
  });

  it('make one call of the tenant, which names neither of its users', async () => {
    const of = (subject: string) => user(subject, { tenant: 'a', client: subject, scopes: ['read'] });
    expect(await seenOf('tenant', [of('ann'), of('bob')])).toEqual([
      call('request-0', { tenant: 'a', scopes: 'read' }),
    ]);
    const apart = [of('ann'), user('bob', { tenant: 'b', scopes: ['read'] }), user('eve', { tenant: 'a' })];
    expect(await seenOf('tenant', apart)).toHaveLength(3);
    expect(await seenOf('tenant', [user('ann'), user('bob')])).toHaveLength(2);
  });

  it('make one call of everybody, which tells of nobody', async () => {
    const all = [user('ann', { tenant: 'a', scopes: ['read'] }), user('bob'), anonymousPrincipal('n')];
    expect(await seenOf('public', all)).toEqual([call('request-0')]);
  });

  it('make a call each of what one of them must not ask for, or says more about', async () => {
    const begin = createOperations();
    const loader = shelvesBy('viewer');
    const before = service.calls.length;
    const ann = user('ann');
    const [plain, labelled, other] = [begin(ann, 'r-0'), begin(ann, 'r-1'), begin(ann, 'r-2')];
    labelled.upstreams['library']?.label({ 'x-weir-idempotency-key': 'key' });
    await Promise.all([plain, labelled, other].map((context) => context.load(loader, '7')));
    const keys = service.calls.slice(before).map(({ metadata }) => metadata['x-weir-idempotency-key']);
    expect(keys.toSorted()).toEqual(['key', undefined]);
    for (const context of [plain, labelled, other]) context.end();
  });
});
