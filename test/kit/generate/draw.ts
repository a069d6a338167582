import type fc from 'fast-check';

/** Where a generator's decisions come from: one stream of uniform numbers, so that a seed decides everything. */
export interface Draw {
  /** A whole number from 0 to `bound` - 1. */
  readonly below: (bound: number) => number;
  /** A whole number from `least` to `most`, both included. */
  readonly between: (least: number, most: number) => number;
  /** True with this probability, 0 to 1. */
  readonly chance: (probability: number) => boolean;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  /** One of the items, each as likely as its weight says; items of weight 0 never. */
  readonly pickWeighted: <Item>(items: readonly (readonly [Item, number])[]) => Item;
}

const resolution = 2 ** 30;

/** Draws from the random numbers that fast-check gives an arbitrary. */
export function createDraw(random: fc.Random): Draw {
  const below = (bound: number) => random.nextInt(0, bound - 1);
  const share = () => below(resolution) / resolution;
  const pickWeighted = <Item>(items: readonly (readonly [Item, number])[]): Item => {
    let point = share() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) {
      point -= weight;
      if (point < 0) return item;
    }
    throw new RangeError('Expected an item with a weight above 0, got none.');
  };
  return {
    below,
    between: (least, most) => random.nextInt(least, most),
    chance: (probability) => share() < probability,
    pick: <Item>(items: readonly Item[]) => {
      if (items.length === 0) throw new RangeError('Expected at least one item, got none.');
      return items[below(items.length)] as Item; // as: below gives an index of it; the item itself may be undefined
    },
    pickWeighted,
  };
}
