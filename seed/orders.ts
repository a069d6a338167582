import { type OrderState, OrderState as states } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { dayMs, type Plan, periods, referenceMs } from './plan.ts';
import { priceCentsAt } from './products.ts';
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

export interface OrderLineRow {
  readonly number: number;
  readonly productNumber: number;
  readonly quantity: number;
  readonly unitPriceCents: number;
}

export interface OrderRow {
  readonly number: number;
  readonly customerNumber: number;
  readonly state: OrderState;
  readonly lines: readonly OrderLineRow[];
  readonly totalCents: number;
  readonly note: string;
  readonly createMs: number;
  readonly updateMs: number;
}

/** The line counts of ten orders: 30 lines, so that a seed has exactly 3 per order. */
const lineCounts = [1, 1, 2, 2, 3, 3, 3, 4, 5, 6] as const;

const oldStates = [
  [states.ORDER_STATE_DELIVERED, 91],
  [states.ORDER_STATE_CANCELLED, 6],
  [states.ORDER_STATE_PENDING, 2],
  [states.ORDER_STATE_SHIPPED, 1],
] as const;
const recentStates = [
  [states.ORDER_STATE_PENDING, 22],
  [states.ORDER_STATE_PAID, 20],
  [states.ORDER_STATE_PACKED, 15],
  [states.ORDER_STATE_SHIPPED, 25],
  [states.ORDER_STATE_DELIVERED, 13],
  [states.ORDER_STATE_CANCELLED, 5],
] as const;

const notes = [
  'Please ring twice.',
  'Bitte beim Nachbarn abgeben.',
  'Leave it behind the blue door.',
  'Merci de livrer après 18 h.',
  'It is a present: no invoice in the parcel, please.',
  '置き配でお願いします。',
  'Залиште біля дверей.',
] as const;

/** Order `number`, from 1, with its lines. Later numbers are later orders, nearly. */
export function orderAt(plan: Plan, number: number): OrderRow {
  const random = createRandom(plan.seed, 'order', number);
  const createMs = orderMoment(plan, random, number);
  const lines = linesOf(plan, random, number);
  return {
    number,
    customerNumber: number === 1 ? 1 : customerNumber(random, plan.users),
    state: orderState(plan, random, number),
    lines,
    totalCents: lines.reduce((sum, line) => sum + line.unitPriceCents * line.quantity, 0),
    note: random() < 0.88 ? '' : pickOne(random, notes),
    createMs,
    updateMs: Math.min(createMs + Math.floor(random() * 6 * dayMs), referenceMs),
  };
}

/** Pieces of every product in orders that were not cancelled, by product number. */
export function unitsSold(plan: Plan): Uint32Array {
  const sold = new Uint32Array(plan.products + 1);
  for (let number = 1; number <= plan.orders; number += 1) {
    const order = orderAt(plan, number);
    if (order.state === states.ORDER_STATE_CANCELLED) continue;
    for (const line of order.lines)
      sold[line.productNumber] = (sold[line.productNumber] ?? 0) + line.quantity;
  }
  return sold;
}

/** A few order most: the first hundredth of the users makes a sixth of the orders, and user 1 more than any other. */
function customerNumber(random: Random, users: number): number {
  return numberFromRank(1 + Math.floor(users * random() ** 2.5), users);
}

function orderState(plan: Plan, random: Random, number: number): OrderState {
  if (number === 1) return states.ORDER_STATE_DELIVERED;
  return pickWeighted(random, number > plan.orders * 0.9 ? recentStates : oldStates);
}

/** The shop grows, so later orders are closer together; one in ten lots of 20 comes in within one millisecond (a sale opens). */
function orderMoment(plan: Plan, random: Random, number: number): number {
  const lotSize = 20;
  const lot = Math.ceil(number / lotSize);
  const isBurst = lot % 10 === 7;
  const share = (isBurst ? lot * lotSize : number) / (plan.orders + lotSize);
  const spreadMs = isBurst ? 0 : Math.floor(random() * 60_000);
  const { fromMs, toMs } = periods.orders;
  return Math.floor(fromMs + (toMs - fromMs) * share ** 0.7) + spreadMs;
}

function linesOf(plan: Plan, random: Random, number: number): OrderLineRow[] {
  const count = lineCountAt(plan, number);
  const products = new Set<number>();
  while (products.size < count) products.add(numberFromRank(zipfRank(random, plan.products), plan.products));
  return [...products].map((productNumber, index) => {
    const price = priceCentsAt(plan, productNumber);
    return {
      number: index + 1,
      productNumber,
      quantity: random() < 0.75 ? 1 : intBetween(random, 2, 5),
      // Some were bought before the price last changed.
      unitPriceCents: random() < 0.85 ? price : Math.ceil(price * 0.9),
    };
  });
}

/** Deals {@link lineCounts} out to ten neighbouring orders, in an order of its own for each ten. */
function lineCountAt(plan: Plan, number: number): number {
  const ten = Math.floor((number - 1) / 10);
  const random = createRandom(plan.seed, 'orderShape', ten);
  const step = pickOne(random, [1, 3, 7, 9]);
  return itemAt(lineCounts, ((number - 1) * step + intBetween(random, 0, 9)) % 10);
}
