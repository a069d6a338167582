import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orderById } from '../../loaders/orders.ts';
import { createRandom, pickOne, type Random } from '../../seed/random.ts';
import type { Order } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { Fault } from '../../upstreams/faults.ts';
import { type Drawn, drawOperation, type Member, markMembers } from './crowd.ts';
import { figuresOf, printFigures } from './figures.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import type { ServedCall } from './watched-services.ts';
import { startWatchedShop, type WatchedShop } from './watched-shop.ts';
import { foreignMarks, hasMarkOf, markOf } from './watermarks.ts';

/** Another seed asks other things in another order. */
const seed = 20_260_401;
const concurrency = 24;
/** How many members share the shop, and how many operations they ask of it: 20,000 in all. */
const rounds = [
  { memberCount: 2, operationCount: 4_000 },
  { memberCount: 5, operationCount: 6_000 },
  { memberCount: 8, operationCount: 10_000 },
] as const;
/** Long enough for a busy machine, short enough that a hanging call costs little. */
const timeoutMs = 1_000;

/** Of all operations, before how many something is made to go wrong with whichever call of a method comes next. */
const faultShare = 0.02;
/** How many clients leave before their answer. */
const leaveShare = 0.005;
const faultyMethods = [
  'UserService/BatchGetUsers',
  'UserService/UpdateUser',
  'OrderService/BatchGetOrders',
  'OrderService/ListOrders',
  'PaymentService/BatchGetPayments',
  'PaymentService/ListPayments',
  'ChatService/BatchGetRooms',
  'ChatService/ListRooms',
  'ChatService/ListMessages',
  'ChatService/SendMessage',
] as const;
const faults: readonly Fault[] = [
  { code: 'INTERNAL' },
  { code: 'PERMISSION_DENIED' },
  { code: 'UNAVAILABLE' },
  { code: 'ABORTED' },
  { delayMs: 50 },
  { hang: true },
  { disconnect: true },
];

let shop: WatchedShop;
let client: HttpClient;
let members: readonly Member[];
const bearers = new Map<number, string>();

beforeAll(async () => {
  shop = await startWatchedShop();
  client = createHttpClient(shop.url, concurrency);
  members = await markMembers(shop.store, 8);
  for (const { owner, userId } of members) bearers.set(owner, await shop.bearerOf(userId));
});

afterAll(async () => {
  client?.close();
  await shop?.[Symbol.asyncDispose]();
});

/** What a crowd was shown. */
interface Seen {
  /** Marks of others, each with where it was found. */
  readonly leaks: string[];
  readonly durationsMs: number[];
  operations: number;
  /** Answers that show a mark of who asked. */
  own: number;
  withErrors: number;
  timeouts: number;
  left: number;
}

/** `operationCount` operations of the members, as many at a time as there are connections. */
async function letAsk(crowd: readonly Member[], operationCount: number, round: number): Promise<Seen> {
  const seen: Seen = {
    leaks: [],
    durationsMs: [],
    operations: 0,
    own: 0,
    withErrors: 0,
    timeouts: 0,
    left: 0,
  };
  const lanes = Array.from({ length: concurrency }, async (_, lane) => {
    const random = createRandom(seed, 'user', round * concurrency + lane);
    while (seen.operations < operationCount) {
      seen.operations += 1;
      if (random() < faultShare)
        shop.faults.set(pickOne(random, faultyMethods), { ...pickOne(random, faults), times: 1 });
      await askOne(drawOperation(random, crowd, seen.operations), random, seen);
    }
  });
  await Promise.all(lanes);
  shop.faults.clear();
  return seen;
}

/** Sends one operation, and looks at all of its answer. */
async function askOne(drawn: Drawn, random: Random, seen: Seen): Promise<void> {
  const requestId = markOf(drawn.owner, 'request', `-${seen.operations}`);
  const bearer = bearers.get(drawn.owner);
  const headers = {
    'x-request-id': requestId,
    'weir-timeout-ms': String(timeoutMs),
    ...(bearer === undefined ? {} : { authorization: bearer }),
  };
  const { request, answer } = client.send({ query: drawn.query, variables: drawn.variables ?? {}, headers });
  if (random() < leaveShare) {
    seen.left += 1;
    const gone = answer.catch(() => undefined);
    await after(random() * 10);
    request.destroy();
    await gone;
    return;
  }
  const { head, text, durationMs } = await answer;
  seen.durationsMs.push(durationMs);
  const foreign = [...foreignMarks(head, drawn), ...foreignMarks(text, drawn)];
  for (const mark of foreign) seen.leaks.push(`${mark} in the answer to ${requestId}: ${drawn.query}`);
  if (!head.includes(requestId))
    seen.leaks.push(`The answer to ${requestId} has another request's headers: ${head}`);
  if (hasMarkOf(text, drawn.owner)) seen.own += 1;
  if (text.includes('"errors"')) seen.withErrors += 1;
  if (text.includes('UPSTREAM_TIMEOUT')) seen.timeouts += 1;
}

/** Lines of the log that tell of somebody else than who asked. */
function leaksInLog(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const { requestId = '', principal } = JSON.parse(line);
    const owner = Number(/^wm(\d+)request/.exec(requestId)?.[1] ?? Number.NaN);
    const foreign = foreignMarks(line, { owner, profilesOf: new Set() });
    const isTheirs = principal === undefined || subjectOf(owner) === principal?.subject;
    return foreign.length > 0 || !isTheirs ? [`${foreign.join()} in the log: ${line}`] : [];
  });
}

/** Calls that tell the services of another principal than who asked. */
function leaksInCalls(served: readonly ServedCall[]): readonly string[] {
  return served
    .filter(({ requestId, subject }) => subject !== subjectOf(Number(/^wm(\d+)/.exec(requestId)?.[1])))
    .map(({ method, requestId, subject }) => `${method} of ${requestId} was made for ${subject}`);
}

function subjectOf(owner: number): string | null {
  return members.find((member) => member.owner === owner)?.userId ?? null;
}

describe('users who share a gateway', () => {
  it.each(rounds)(
    '111: never see each other: $memberCount of them, $operationCount operations',
    async ({ memberCount, operationCount }) => {
      shop.lines.length = 0;
      shop.served.length = 0;
      const startedMs = performance.now();
      const seen = await letAsk(members.slice(0, memberCount), operationCount, memberCount);
      const { leaks, durationsMs, ...counts } = seen;
      printFigures(`${memberCount} users, seed ${seed}`, {
        ...counts,
        operations: seen.operations,
        seconds: Math.round((performance.now() - startedMs) / 100) / 10,
        answerMs: figuresOf(durationsMs),
        calls: shop.served.length,
        logLines: shop.lines.length,
      });
      expect(leaks).toEqual([]);
      expect(leaksInLog(shop.lines)).toEqual([]);
      expect(leaksInCalls(shop.served)).toEqual([]);
      // That nothing foreign was seen says something only because their own was, and because some things went wrong.
      expect(seen.own).toBeGreaterThan(operationCount / 2);
      expect(seen.withErrors).toBeGreaterThan(operationCount / 100);
      expect(shop.lines.length).toBeGreaterThan(operationCount * 0.9);
    },
    120_000,
  );

  it('would be seen in a line of the log, and in a call for another', async () => {
    const requestId = markOf(1, 'request', '-1');
    const subject = subjectOf(1);
    const line = (more: object) => JSON.stringify({ requestId, principal: { subject }, ...more });
    expect(leaksInLog([line({}), line({ err: markOf(1, 'note') })])).toEqual([]);
    expect(
      leaksInLog([line({ err: markOf(2, 'note') }), line({ principal: { subject: subjectOf(2) } })]),
    ).toHaveLength(2);
    const [call] = shop.served;
    if (call === undefined) throw new Error('No call was made.');
    expect(leaksInCalls([{ ...call, requestId, subject }])).toEqual([]);
    expect(leaksInCalls([{ ...call, requestId, subject: subjectOf(2) }])).toHaveLength(1);
  });

  it('109: would be seen to leak if one loader kept its rows for everybody', async () => {
    const fetch = orderById.fetch;
    const shared = new Map<string, Order>();
    // The definition that the whole graph uses, with the mistake that noninterference is there to rule out.
    Object.assign(orderById, {
      fetch: async (...[ids, readMask, context]: Parameters<typeof fetch>) => {
        for (const row of await fetch(ids, readMask, context)) shared.set(row.id, row);
        return ids.flatMap((id) => shared.get(id) ?? []);
      },
    });
    try {
      const { leaks } = await letAsk(members, 2_000, 0);
      printFigures('a loader that keeps its rows for everybody, 2,000 operations', { leaks: leaks.length });
      expect(leaks.length).toBeGreaterThan(0);
      expect(leaks[0]).toMatch(/^wm\d+note/);
    } finally {
      Object.assign(orderById, { fetch });
    }
  });
});
