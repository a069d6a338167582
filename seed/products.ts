import { type Category, Category as categories } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { dayMs, momentOf, type Plan, periods } from './plan.ts';
import type { Pools } from './pools.ts';
import { createRandom, intBetween, itemAt, pickOne, pickWeighted, type Random } from './random.ts';

/** What the rows of other tables add up to, by product number. */
export interface ProductTally {
  readonly unitsSold: Uint32Array;
  readonly ratingSum: Uint32Array;
  readonly reviewCount: Uint32Array;
}

export interface ProductRow {
  readonly id: string;
  readonly sku: string;
  readonly title: string;
  readonly description: string;
  readonly category: Category;
  readonly priceCents: number;
  readonly stock: number;
  readonly imageUrls: readonly string[];
  readonly mediaId: bigint;
  readonly createMs: number;
}

interface Department {
  readonly category: Category;
  readonly code: string;
  /** Middle of its prices, as an index into {@link pricePoints}. */
  readonly priceIndex: number;
  readonly nouns: readonly string[];
}

const departments = [
  { category: categories.CATEGORY_BOOKS, code: 'BK', priceIndex: 6, nouns: [] },
  {
    category: categories.CATEGORY_ELECTRONICS,
    code: 'EL',
    priceIndex: 15,
    nouns: [
      'Headphones',
      'Keyboard',
      'Charger',
      'Speaker',
      'Monitor',
      'Camera',
      'Router',
      'Tablet',
      'USB-C Hub',
    ],
  },
  {
    category: categories.CATEGORY_FASHION,
    code: 'FA',
    priceIndex: 11,
    nouns: ['Shirt', 'Jacket', 'Scarf', 'Jeans', 'Socks', 'Sneakers', 'Belt', 'Hat', 'Fjällräv Parka'],
  },
  {
    category: categories.CATEGORY_GARDEN,
    code: 'GA',
    priceIndex: 9,
    nouns: [
      'Spade',
      'Watering Can',
      'Rake',
      'Rosé Rose',
      'Hedge Shears',
      'Plant Pot',
      'Gloves',
      'Bird Table',
    ],
  },
  {
    category: categories.CATEGORY_GROCERY,
    code: 'GR',
    priceIndex: 3,
    nouns: [
      'Müsli',
      'Crème fraîche',
      'Olive Oil',
      'Green Tea',
      'Espresso',
      'Jalapeño Sauce',
      'Honey',
      'Rice',
    ],
  },
  {
    category: categories.CATEGORY_HOME,
    code: 'HO',
    priceIndex: 12,
    nouns: ['Chair', 'Table', 'Lamp', 'Towels', 'Shelf', 'Cushion', 'Pan', 'Kettle', 'Clock', 'Rug'],
  },
  {
    category: categories.CATEGORY_SPORTS,
    code: 'SP',
    priceIndex: 11,
    nouns: ['Ball', 'Tent', 'Backpack', 'Bicycle Pump', 'Yoga Mat', 'Racket', 'Bottle', 'Climbing Rope'],
  },
  {
    category: categories.CATEGORY_TOYS,
    code: 'TO',
    priceIndex: 8,
    nouns: ['Puzzle', 'Train', 'Doll', 'Kite', 'Building Blocks', 'Board Game', 'Robot', 'Teddy Bear'],
  },
] as const satisfies readonly Department[];

/** Shop prices in cents: many products cost exactly the same. */
const pricePoints = [
  99, 149, 199, 299, 399, 499, 799, 999, 1299, 1499, 1999, 2499, 2999, 3999, 4999, 7999, 9999, 14_999, 19_999,
  29_999, 49_999, 79_999, 129_900,
] as const;

/** Product `number`, from 1. */
export function productAt(plan: Plan, pools: Pools, number: number): ProductRow {
  const random = createRandom(plan.seed, 'product', number);
  const department = departmentAt(plan, number);
  const createMs = productMoment(plan, number);
  return {
    id: `product-${number}`,
    sku: `${department.code}-${String(number).padStart(7, '0')}`,
    title: title(random, pools, department),
    description: Array.from({ length: intBetween(random, 1, 3) }, () =>
      pickOne(random, pools.descriptions),
    ).join(' '),
    category: department.category,
    priceCents: priceCentsAt(plan, number),
    stock: random() < 0.06 ? 0 : intBetween(random, 1, 500),
    imageUrls: imageUrls(random, number),
    mediaId: snowflake(createMs, number),
    createMs,
  };
}

/** What product `number` costs now, without making the rest of it: order lines need only this. */
export function priceCentsAt(plan: Plan, number: number): number {
  const random = createRandom(plan.seed, 'price', number);
  const { priceIndex } = departmentAt(plan, number);
  // The sum of two draws is a tent around the department's middle.
  const index = priceIndex + Math.round((random() + random() - 1) * 7);
  const price = itemAt(pricePoints, Math.min(Math.max(index, 0), pricePoints.length - 1));
  return random() < 0.1 ? Math.ceil(price * 0.85) : price;
}

function departmentAt(plan: Plan, number: number): Department {
  // The stream of shapes, so that the price does not follow the department's own draw.
  return pickOne(createRandom(plan.seed, 'product', -number), departments);
}

/** Products are put on offer in lots: those of a lot have the same moment. */
function productMoment(plan: Plan, number: number): number {
  const lotSize = 4;
  return momentOf(periods.products, Math.ceil(number / lotSize) * lotSize, plan.products + lotSize);
}

function title(random: Random, pools: Pools, department: Department): string {
  if (department.nouns.length === 0) return pickOne(random, pools.bookTitles);
  if (department.category === categories.CATEGORY_GROCERY && random() < 0.4)
    return pickOne(random, pools.dishes);
  const noun = pickOne(random, department.nouns);
  return `${pickOne(random, pools.adjectives)} ${pickOne(random, pools.materials)} ${noun}`;
}

const imageCountWeights = [
  [1, 50],
  [2, 30],
  [3, 15],
  [6, 5],
] as const;

function imageUrls(random: Random, number: number): string[] {
  const count = pickWeighted(random, imageCountWeights);
  return Array.from(
    { length: count },
    (_, i) => `https://images.example.com/products/${number}/${i + 1}.jpg`,
  );
}

/** 41 bits of milliseconds, 22 bits of number: below 2^63 and far above 2^53. */
function snowflake(createMs: number, number: number): bigint {
  const epochMs = Date.UTC(2010, 0, 1) - dayMs;
  return (BigInt(createMs - epochMs) << 22n) | BigInt(number % 4_194_304);
}
