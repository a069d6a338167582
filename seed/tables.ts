import type { Cell } from './copy.ts';
import { friendshipRows } from './friendships.ts';
import { messageRows } from './messages.ts';
import { unitsSold } from './orders.ts';
import { namedPaymentId, paidOrders } from './payments.ts';
import { createPlan, type Plan, type SeedSize } from './plan.ts';
import { createPools, type Pools } from './pools.ts';
import { productAt } from './products.ts';
import { ratings, reviewAt } from './reviews.ts';
import { roomAt } from './rooms.ts';
import { userAt } from './users.ts';

/** The rows of one table; `rows` makes them anew, the same ones, each time it is called. */
export interface SeedTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: () => Iterable<readonly Cell[]>;
}

const currency = 'EUR';

/** All tables of a size and seed, each after those that it refers to. */
export function seedTables(size: SeedSize = {}): readonly SeedTable[] {
  const plan = createPlan(size);
  const pools = createPools(plan.seed);
  return [
    ...userTables(plan, pools),
    ...catalogTables(plan, pools),
    ...orderTables(plan),
    ...chatTables(plan, pools),
  ];
}

function userTables(plan: Plan, pools: Pools): SeedTable[] {
  return [
    {
      name: 'users',
      columns: ['id', 'display_name', 'email', 'avatar_url', 'loyalty_tier', 'biography', 'create_time'],
      rows: function* () {
        for (const number of numbers(plan.users)) {
          const user = userAt(plan, pools, number);
          const time = new Date(user.createMs);
          yield [
            user.id,
            user.displayName,
            user.email,
            user.avatarUrl,
            user.loyaltyTier,
            user.biography,
            time,
          ];
        }
      },
    },
    {
      name: 'friendships',
      columns: ['user_id', 'friend_id', 'create_time'],
      rows: function* () {
        for (const { userNumber, friendNumber, createMs } of friendshipRows(plan)) {
          yield [`user-${userNumber}`, `user-${friendNumber}`, new Date(createMs)];
        }
      },
    },
  ];
}

function catalogTables(plan: Plan, pools: Pools): SeedTable[] {
  return [
    {
      name: 'products',
      columns: [
        ...[
          'id',
          'sku',
          'title',
          'description',
          'category',
          'currency_code',
          'price_nanos',
          'stock',
          'image_urls',
        ],
        ...['rating_sum', 'review_count', 'units_sold', 'media_id', 'create_time'],
      ],
      rows: () => productCells(plan, pools),
    },
    {
      name: 'reviews',
      columns: ['id', 'product_id', 'author_id', 'rating', 'title', 'body', 'create_time'],
      rows: function* () {
        for (const number of numbers(plan.reviews)) {
          const review = reviewAt(plan, number);
          const parties = [`product-${review.productNumber}`, `user-${review.authorNumber}`];
          yield [review.id, ...parties, review.rating, review.title, review.body, new Date(review.createMs)];
        }
      },
    },
  ];
}

function* productCells(plan: Plan, pools: Pools): Generator<readonly Cell[]> {
  const sold = unitsSold(plan);
  const { ratingSum, reviewCount } = ratings(plan);
  for (const number of numbers(plan.products)) {
    const product = productAt(plan, pools, number);
    yield [
      ...[product.id, product.sku, product.title, product.description, product.category, currency],
      ...[nanos(product.priceCents), product.stock, product.imageUrls],
      ...[ratingSum[number] ?? 0, reviewCount[number] ?? 0, sold[number] ?? 0],
      ...[product.mediaId, new Date(product.createMs)],
    ];
  }
}

function orderTables(plan: Plan): SeedTable[] {
  return [
    {
      name: 'orders',
      columns: [
        ...[
          'id',
          'customer_id',
          'state',
          'currency_code',
          'total_nanos',
          'payment_id',
          'note',
          'create_time',
        ],
        'update_time',
      ],
      rows: function* () {
        for (const { order, payment } of paidOrders(plan)) {
          const money = [currency, nanos(order.totalCents)];
          const times = [new Date(order.createMs), new Date(order.updateMs)];
          const parties = [`order-${order.number}`, `user-${order.customerNumber}`];
          yield [...parties, order.state, ...money, namedPaymentId(payment), order.note, ...times];
        }
      },
    },
    {
      name: 'order_lines',
      columns: ['order_id', 'number', 'product_id', 'quantity', 'unit_price_nanos'],
      rows: function* () {
        for (const { order } of paidOrders(plan)) {
          for (const line of order.lines) {
            const product = `product-${line.productNumber}`;
            yield [`order-${order.number}`, line.number, product, line.quantity, nanos(line.unitPriceCents)];
          }
        }
      },
    },
    {
      name: 'payments',
      columns: ['id', 'order_id', 'currency_code', 'amount_nanos', 'state', 'method', 'create_time'],
      rows: function* () {
        for (const { order, payment } of paidOrders(plan)) {
          if (payment === undefined) continue;
          const money = [currency, nanos(order.totalCents)];
          const method = JSON.stringify(payment.method);
          const ids = [`payment-${payment.number}`, `order-${order.number}`];
          yield [...ids, ...money, payment.state, method, new Date(payment.createMs)];
        }
      },
    },
  ];
}

function chatTables(plan: Plan, pools: Pools): SeedTable[] {
  return [
    {
      name: 'rooms',
      columns: ['id', 'title', 'create_time'],
      rows: function* () {
        for (const number of numbers(plan.rooms)) {
          const room = roomAt(plan, number);
          yield [room.id, room.title, new Date(room.createMs)];
        }
      },
    },
    {
      name: 'room_members',
      columns: ['room_id', 'user_id'],
      rows: function* () {
        for (const number of numbers(plan.rooms)) {
          const room = roomAt(plan, number);
          for (const member of room.memberNumbers) yield [room.id, `user-${member}`];
        }
      },
    },
    {
      name: 'messages',
      columns: ['id', 'room_id', 'author_id', 'text', 'sequence', 'create_time'],
      rows: function* () {
        for (const message of messageRows(plan, pools)) {
          const author = `user-${message.authorNumber}`;
          yield [
            message.id,
            message.roomId,
            author,
            message.text,
            message.sequence,
            new Date(message.createMs),
          ];
        }
      },
    },
    ...outboxTables(plan, pools),
  ];
}

/** The log of the messages, as if each had been sent by the chat service. */
function outboxTables(plan: Plan, pools: Pools): SeedTable[] {
  return [
    {
      name: 'outbox',
      columns: ['topic', 'sequence', 'subject', 'payload', 'create_time'],
      rows: function* () {
        for (const { id, roomId, authorNumber, text, sequence, createMs } of messageRows(plan, pools)) {
          const payload = JSON.stringify({ authorId: `user-${authorNumber}`, text });
          yield [`room:${roomId}`, sequence, id, payload, new Date(createMs)];
        }
      },
    },
    {
      name: 'outbox_topics',
      columns: ['topic', 'last_sequence'],
      rows: function* () {
        const lastSequences = new Map<string, number>();
        for (const message of messageRows(plan, pools)) lastSequences.set(message.roomId, message.sequence);
        for (const [roomId, sequence] of lastSequences) yield [`room:${roomId}`, sequence];
      },
    },
  ];
}

/** The next numbers of the sequences that give new rows their ids. */
export function nextNumbers(size: SeedSize = {}): Readonly<Record<string, number>> {
  const plan = createPlan(size);
  // No order has more than one payment, so payments stay below the orders' numbers.
  return {
    order_numbers: plan.orders + 1,
    payment_numbers: plan.orders + 1,
    message_numbers: plan.messages + 1,
  };
}

function* numbers(count: number): Generator<number> {
  for (let number = 1; number <= count; number += 1) yield number;
}

/** Cents as billionths of a unit. */
function nanos(cents: number): bigint {
  return BigInt(cents) * 10_000_000n;
}
