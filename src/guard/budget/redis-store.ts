import { createHash } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import { costUs, tierState } from './bucket.ts';
import type {
  BudgetStore,
  ReserveAnswer,
  ReserveRequest,
  Settlement,
  Tier,
  TierState,
} from './budget-store.ts';
import { peekScript, reserveScript, settleScript } from './redis-scripts.ts';

/** What {@link createRedisStore} needs. */
export interface RedisStoreOptions {
  /** Redis 5 or newer, or a cluster of it. Whoever opened it closes it. */
  readonly redis: Redis | Cluster;
  /** Begins every key. Default `weir:budget`. No braces in it. */
  readonly prefix?: string;
}

/** Tiers whose keys are taken in one step. */
interface Group {
  readonly slot: string;
  readonly tiers: readonly Tier[];
}

type Run = (keys: readonly string[], args: readonly number[]) => Promise<readonly number[]>;

/**
 * Budgets that all nodes share, one script call for each operation's reservation and one for its settlement. On a
 * cluster the tiers of each slot (a caller's own, then those that it shares with others, such as the global one) take
 * turns: what the first gave is settled at nothing when a later one refuses, which leaves no trace (see bucket.ts).
 * Calls reject with what ioredis throws.
 */
export function createRedisStore({ redis, prefix = 'weir:budget' }: RedisStoreOptions): BudgetStore {
  const runReserve = scriptOf(redis, reserveScript);
  const runSettle = scriptOf(redis, settleScript);
  const runPeek = scriptOf(redis, peekScript);
  const groupsOf = redis instanceof Cluster ? groupsBySlot : oneGroup;
  const keysOf = ({ tiers }: Group) => tiers.map(({ slot, key }) => `${prefix}:{${slot}}:${key}`);
  const reservationKeysOf = (id: string, group: Group) => [
    `${prefix}:{${group.slot}}:reservation/${id}`,
    ...keysOf(group),
  ];

  const reserveGroup = async (
    group: Group,
    { id, points, leaseMs }: ReserveRequest,
  ): Promise<ReserveAnswer> => {
    const { tiers } = group;
    const numbers = tiers.flatMap((tier) => [costUs(tier, points), costUs(tier, tier.limitPoints)]);
    const reply = await runReserve(reservationKeysOf(id, group), [leaseMs, ...numbers]);
    const [isAdmitted, number = 0, waitUs = 0, ...debts] = reply;
    const states = statesOf(tiers, debts);
    const tier = tiers[number - 1];
    if (isAdmitted === 1 || !tier) return { kind: 'admitted', states };
    return { kind: 'wait', tier, waitMs: Math.ceil(waitUs / 1000), states };
  };

  const settleGroup = async (group: Group, { id, points }: Settlement): Promise<readonly TierState[]> => {
    const numbers = group.tiers.flatMap((tier) => [costUs(tier, points), costUs(tier, tier.limitPoints)]);
    return statesOf(group.tiers, await runSettle(reservationKeysOf(id, group), numbers));
  };

  const peekGroup = async (group: Group): Promise<readonly TierState[]> => {
    const limits = group.tiers.map((tier) => costUs(tier, tier.limitPoints));
    return statesOf(group.tiers, await runPeek(keysOf(group), limits));
  };

  const peek = (tiers: readonly Tier[]) => ofGroups(tiers, groupsOf(tiers), peekGroup);

  const reserveEach = async (request: ReserveRequest, groups: readonly Group[]): Promise<ReserveAnswer> => {
    for (const [index, group] of groups.entries()) {
      const answer = await reserveGroup(group, request);
      if (answer.kind !== 'wait') continue;
      const given = groups.slice(0, index);
      await Promise.all(given.map((before) => settleGroup(before, { ...request, points: 0 })));
      return { ...answer, states: await peek(request.tiers) };
    }
    return { kind: 'admitted', states: await peek(request.tiers) };
  };

  return {
    reserve: async (request) => {
      const { tiers, points } = request;
      const tooSmall = tiers.find((tier) => costUs(tier, points) > costUs(tier, tier.limitPoints));
      if (tooSmall) return { kind: 'never', tier: tooSmall, states: await peek(tiers) };
      const groups = groupsOf(tiers);
      const [only, ...others] = groups;
      return only && others.length === 0 ? reserveGroup(only, request) : reserveEach(request, groups);
    },
    settle: (settlement) => {
      const { tiers } = settlement;
      return ofGroups(tiers, groupsOf(tiers), (group) => settleGroup(group, settlement));
    },
    peek,
    close: () => Promise.resolve(),
  };
}

/** Without a cluster every key is on one node, and a script may have them all. */
function oneGroup(tiers: readonly Tier[]): readonly Group[] {
  return [{ slot: tiers[0]?.slot ?? '', tiers }];
}

function groupsBySlot(tiers: readonly Tier[]): readonly Group[] {
  return [...Map.groupBy(tiers, ({ slot }) => slot)].map(([slot, members]) => ({ slot, tiers: members }));
}

/** The states of all groups, in the order of `tiers`. */
async function ofGroups(
  tiers: readonly Tier[],
  groups: readonly Group[],
  ask: (group: Group) => Promise<readonly TierState[]>,
): Promise<readonly TierState[]> {
  const [only, ...others] = groups;
  if (only && others.length === 0) return ask(only);
  const found = new Map<Tier, TierState>();
  const answers = await Promise.all(groups.map(ask));
  for (const [index, states] of answers.entries())
    for (const [place, state] of states.entries()) {
      const tier = groups[index]?.tiers[place];
      if (tier) found.set(tier, state);
    }
  return tiers.flatMap((tier) => found.get(tier) ?? []);
}

function statesOf(tiers: readonly Tier[], debts: readonly number[]): readonly TierState[] {
  return tiers.map((tier, index) => tierState(tier, debts[index] ?? 0));
}

/** Sends the script's name, and its text only to a Redis that does not know it (any more). */
function scriptOf(redis: Redis | Cluster, lua: string): Run {
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (keys, args) => {
    try {
      return numbersFrom(await redis.evalsha(sha, keys.length, ...keys, ...args));
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return numbersFrom(await redis.eval(lua, keys.length, ...keys, ...args));
    }
  };
}

function numbersFrom(reply: unknown): readonly number[] {
  if (Array.isArray(reply) && reply.every((item) => typeof item === 'number')) return reply;
  throw new Error('The budget script in Redis answered something else than numbers.');
}
