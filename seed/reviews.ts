import { type Plan, periods } from './plan.ts';
import {
  createRandom,
  intBetween,
  itemAt,
  numberFromRank,
  pickOne,
  pickWeighted,
  type Random,
  zipfRank,
} from './random.ts';

export interface ReviewRow {
  readonly id: string;
  readonly productNumber: number;
  readonly authorNumber: number;
  readonly rating: number;
  readonly title: string;
  readonly body: string;
  readonly createMs: number;
}

/** Most are delighted, some are furious, few are in between. */
const ratingWeights = [
  [5, 52],
  [4, 24],
  [3, 10],
  [2, 5],
  [1, 9],
] as const;

const titlesByRating = [
  ['Broken on arrival', 'Never again', 'Schade um das Geld', 'Très déçu'],
  ['Not what I expected', 'Meh', 'Könnte besser sein'],
  ['It is all right', 'Okay for the price', 'まあまあ'],
  ['Good', 'Does what it should', 'Très bien', 'Gerne wieder'],
  ['Love it! ❤️', 'Excellent', 'Absolut großartig', '最高です', 'Чудово', 'Best purchase this year'],
] as const;

const aspects = [
  'quality',
  'size',
  'colour',
  'delivery',
  'packaging',
  'price',
  'instructions',
  'service',
] as const;
const opinionsByRating = [
  ['is a bad joke', 'made me send it back', 'fell apart within a week'],
  ['is disappointing', 'could be much better', 'is not as in the pictures'],
  ['is fine', 'is nothing special', 'is about what one can expect'],
  ['is good', 'fits well', 'was better than I had thought'],
  ['is outstanding', 'could not be better', 'made my day', 'is worth every cent'],
] as const;

/** Review `number`, from 1. What sells most is reviewed most. */
export function reviewAt(plan: Plan, number: number): ReviewRow {
  const random = createRandom(plan.seed, 'review', number);
  const rating = pickWeighted(random, ratingWeights);
  const title = pickOne(random, itemAt<readonly string[]>(titlesByRating, rating - 1));
  return {
    id: `review-${number}`,
    productNumber: numberFromRank(zipfRank(random, plan.products), plan.products),
    authorNumber: intBetween(random, 1, plan.users),
    rating,
    title,
    body: body(random, rating),
    createMs: reviewMoment(random),
  };
}

/** Sums and counts of the ratings, by product number. */
export function ratings(plan: Plan): { readonly ratingSum: Uint32Array; readonly reviewCount: Uint32Array } {
  const ratingSum = new Uint32Array(plan.products + 1);
  const reviewCount = new Uint32Array(plan.products + 1);
  for (let number = 1; number <= plan.reviews; number += 1) {
    const { productNumber, rating } = reviewAt(plan, number);
    ratingSum[productNumber] = (ratingSum[productNumber] ?? 0) + rating;
    reviewCount[productNumber] = (reviewCount[productNumber] ?? 0) + 1;
  }
  return { ratingSum, reviewCount };
}

function body(random: Random, rating: number): string {
  const opinions = itemAt<readonly string[]>(opinionsByRating, rating - 1);
  const sentence = () => `The ${pickOne(random, aspects)} ${pickOne(random, opinions)}.`;
  return Array.from({ length: intBetween(random, 1, 4) }, sentence).join(' ');
}

/** At any time of the year; some were taken over from another shop on the first of a month, all at once. */
function reviewMoment(random: Random): number {
  const { fromMs, toMs } = periods.reviews;
  const moment = intBetween(random, fromMs, toMs);
  return random() < 0.1 ? fromMs + Math.floor((moment - fromMs) / 2_592_000_000) * 2_592_000_000 : moment;
}
