import { type Plan, periods } from './plan.ts';
import type { Pools } from './pools.ts';
import { createRandom, intBetween, pickOne, zipfRank } from './random.ts';
import { roomAt } from './rooms.ts';

export interface MessageRow {
  readonly id: string;
  readonly roomId: string;
  readonly authorNumber: number;
  readonly text: string;
  /** Position in the room: 1, 2, 3 and so on. */
  readonly sequence: number;
  readonly createMs: number;
}

/** All messages in the order of time. Few rooms are busy, the first one most. */
export function* messageRows(plan: Plan, pools: Pools): Generator<MessageRow> {
  const sequences = new Uint32Array(plan.rooms + 1);
  const rooms = Array.from({ length: plan.rooms }, (_, index) => roomAt(plan, index + 1));
  for (let number = 1; number <= plan.messages; number += 1) {
    const random = createRandom(plan.seed, 'message', number);
    const roomNumber = zipfRank(random, plan.rooms);
    const room = rooms[roomNumber - 1];
    if (room === undefined) throw new RangeError(`there is no room ${roomNumber}`);
    const sequence = (sequences[roomNumber] ?? 0) + 1;
    sequences[roomNumber] = sequence;
    yield {
      id: `message-${number}`,
      roomId: room.id,
      authorNumber: pickOne(random, room.memberNumbers),
      text: pickOne(random, pools.chatter),
      sequence,
      createMs: messageMoment(plan, number) + intBetween(random, 0, 3),
    };
  }
}

/** People answer at once, so three messages in a row are milliseconds apart. */
function messageMoment(plan: Plan, number: number): number {
  const { fromMs, toMs } = periods.messages;
  const talk = Math.floor(number / 3);
  return Math.floor(fromMs + ((toMs - fromMs) * talk * 3) / (plan.messages + 3)) + (number % 3) * 4;
}
