import { momentOf, type Plan, periods } from './plan.ts';
import { createRandom, intBetween, pickOne } from './random.ts';

export interface RoomRow {
  readonly id: string;
  readonly title: string;
  readonly memberNumbers: readonly number[];
  readonly createMs: number;
}

const subjects = [
  'Help',
  'Offers',
  'Book club',
  'Garten',
  'Cuisine',
  'Cycling',
  'Cámaras',
  '手芸',
  'Настільні ігри',
] as const;
const kinds = ['general', 'questions', 'returns', 'recommendations', 'swap'] as const;

/** Room `number`, from 1, with 2 to 12 members. User 1 is in the first ten. */
export function roomAt(plan: Plan, number: number): RoomRow {
  const random = createRandom(plan.seed, 'room', number);
  const wanted = Math.min(intBetween(random, 2, 12), plan.users);
  const members = new Set<number>(number <= 10 ? [1] : []);
  while (members.size < wanted) members.add(intBetween(random, 1, plan.users));
  return {
    id: `room-${number}`,
    title: `${pickOne(random, subjects)} – ${pickOne(random, kinds)}`,
    memberNumbers: [...members],
    createMs: momentOf(periods.rooms, number, plan.rooms),
  };
}
