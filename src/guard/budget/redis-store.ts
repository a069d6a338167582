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

/** How long points that have been used can be given back, in milliseconds: when another slot of a cluster refuses. */
const spentMs = 1000;

type Run = (keys: readonly string[], args: readonly number[]) => Promise<readonly number[]>;

/**
 * Budgets that all nodes share, one script call for each operation's reservation and one for its settlement. On a
 * cluster the tiers of each slot (a caller's own, then those that it shares with others, such as the global one) take
 * turns: what the first gave is settled at nothing when a later one refuses, which leaves no trace (see bucket.ts).
 * Calls reject with what ioredis throws.
 */
export function createRedisStore(options: RedisStoreOptions): BudgetStore {
  return new RedisBooks(options);
}

class RedisBooks implements BudgetStore {
  readonly #prefix: string;
  readonly #groupsOf: (tiers: readonly Tier[]) => readonly Group[];
  readonly #runReserve: Run;
  readonly #runSettle: Run;
  readonly #runPeek: Run;

  constructor({ redis, prefix = 'weir:budget' }: RedisStoreOptions) {
    this.#prefix = prefix;
    this.#groupsOf = redis instanceof Cluster ? groupsBySlot : oneGroup;
    this.#runReserve = scriptOf(redis, reserveScript);
    this.#runSettle = scriptOf(redis, settleScript);
    this.#runPeek = scriptOf(redis, peekScript);
  }

  readonly reserve = async (request: ReserveRequest): Promise<ReserveAnswer> => {
    const { tiers, points } = request;
    const tooSmall = tiers.find((tier) => costUs(tier, points) > costUs(tier, tier.limitPoints));
    if (tooSmall) return { kind: 'never', tier: tooSmall, states: await this.peek(tiers) };
    const groups = this.#groupsOf(tiers);
    const [only, ...others] = groups;
    return only && others.length === 0
      ? this.#reserveGroup(only, request)
      : this.#reserveEach(groups, request);
  };

  readonly settle = (settlement: Settlement): Promise<readonly TierState[]> => {
    const { tiers } = settlement;
    return ofGroups(tiers, this.#groupsOf(tiers), (group) => this.#settleGroup(group, settlement));
  };

  readonly peek = (tiers: readonly Tier[]): Promise<readonly TierState[]> =>
    ofGroups(tiers, this.#groupsOf(tiers), (group) => this.#peekGroup(group));

  readonly close = (): Promise<void> => Promise.resolve();

  async #reserveEach(groups: readonly Group[], request: ReserveRequest): Promise<ReserveAnswer> {
    const { tiers } = request;
    const found = new Map<Tier, TierState>();
    for (const [index, group] of groups.entries()) {
      const answer = await this.#reserveGroup(group, request);
      if (answer.kind === 'admitted') note(found, group, answer.states);
      if (answer.kind !== 'wait') continue;
      const given = groups.slice(0, index);
      await Promise.all(given.map((before) => this.#settleGroup(before, { ...request, points: 0 })));
      return { ...answer, states: await this.peek(tiers) };
    }
    return { kind: 'admitted', states: tiers.flatMap((tier) => found.get(tier) ?? []) };
  }

  async #reserveGroup(group: Group, request: ReserveRequest): Promise<ReserveAnswer> {
    const { id, points, leaseMs, isSpent } = request;
    const { tiers } = group;
    const reply = await this.#runReserve(this.#keysOf(group, id), [
      isSpent ? Math.min(spentMs, leaseMs) : leaseMs,
      ...costsAndLimits(tiers, points),
    ]);
    const [isAdmitted, number = 0, waitUs = 0, ...debts] = reply;
    const states = statesOf(tiers, debts);
    const tier = tiers[number - 1];
    if (isAdmitted === 1 || !tier) return { kind: 'admitted', states };
    return { kind: 'wait', tier, waitMs: Math.ceil(waitUs / 1000), states };
  }

  async #settleGroup(group: Group, { id, points }: Settlement): Promise<readonly TierState[]> {
    const numbers = costsAndLimits(group.tiers, points);
    return statesOf(group.tiers, await this.#runSettle(this.#keysOf(group, id), numbers));
  }

  async #peekGroup(group: Group): Promise<readonly TierState[]> {
    const limits = group.tiers.map((tier) => costUs(tier, tier.limitPoints));
    return statesOf(group.tiers, await this.#runPeek(this.#bucketKeysOf(group), limits));
  }

  #keysOf(group: Group, id: string): readonly string[] {
    return [`${this.#prefix}:{${group.slot}}:reservation/${id}`, ...this.#bucketKeysOf(group)];
  }

  #bucketKeysOf({ tiers }: Group): readonly string[] {
    return tiers.map(({ slot, key }) => `${this.#prefix}:{${slot}}:${key}`);
  }
}

function costsAndLimits(tiers: readonly Tier[], points: number): readonly number[] {
  return tiers.flatMap((tier) => [costUs(tier, points), costUs(tier, tier.limitPoints)]);
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
  await Promise.all(groups.map(async (group) => note(found, group, await ask(group))));
  return tiers.flatMap((tier) => found.get(tier) ?? []);
}

function note(found: Map<Tier, TierState>, { tiers }: Group, states: readonly TierState[]): void {
  for (const [index, tier] of tiers.entries()) {
    const state = states[index];
    if (state) found.set(tier, state);
  }
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
