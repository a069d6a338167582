import { dayMs, type Plan, periods, referenceMs } from './plan.ts';
import { createRandom, intBetween, type Random } from './random.ts';

export interface FriendshipRow {
  readonly userNumber: number;
  readonly friendNumber: number;
  readonly createMs: number;
}

const mostFriends = 30;

/**
 * Both directions of every friendship. Most friends have near numbers and some are anywhere (the distance is log-uniform),
 * which makes a small world; nobody has more than 30.
 */
export function* friendshipRows(plan: Plan): Generator<FriendshipRow> {
  const friendCounts = new Uint8Array(plan.users + 1);
  for (let user = 1; user < plan.users; user += 1) {
    const random = createRandom(plan.seed, 'friendship', user);
    for (const friend of candidates(random, user, plan.users)) {
      if (countOf(friendCounts, user) >= mostFriends || countOf(friendCounts, friend) >= mostFriends)
        continue;
      friendCounts[user] = countOf(friendCounts, user) + 1;
      friendCounts[friend] = countOf(friendCounts, friend) + 1;
      const createMs = intBetween(random, periods.users.toMs, referenceMs - dayMs);
      yield { userNumber: user, friendNumber: friend, createMs };
      yield { userNumber: friend, friendNumber: user, createMs };
    }
  }
}

/** Users with a higher number whom `user` knows: few for most, many for some. */
function candidates(random: Random, user: number, users: number): Set<number> {
  const wanted = user === 1 ? 12 : Math.floor(16 * random() ** 2.5);
  const found = new Set<number>();
  for (let i = 0; i < wanted; i += 1) {
    const friend = user + Math.floor((users - user + 1) ** random());
    if (friend <= users) found.add(friend);
  }
  return found;
}

function countOf(counts: Uint8Array, user: number): number {
  return counts[user] ?? 0;
}
