import { orderCalls, salesDays } from '../loaders/orders.ts';
import { required } from '../loaders/required.ts';
import type { SalesDay as SalesDayMessage } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { builder } from './builder.ts';
import { Money } from './money.ts';

/** Who runs the shop sits before a browser. */
const variants = ['web'];

/** Most days of a report: what the orders service documents, and one more that it begins within. */
const maxDays = 93;

const SalesDay = builder.objectRef<SalesDayMessage>('SalesDay').implement({
  variants,
  description: 'What was sold on one day.',
  // The days come with the report, whose price is that of the orders that were read.
  cost: 0,
  fields: (t) => ({
    day: t.field({
      type: 'DateTime',
      description: 'When the day began, in UTC.',
      resolve: ({ day }) => required(day, 'day'),
    }),
    orderCount: t.exposeInt('orderCount', {
      description: 'Orders that were submitted, cancelled ones aside.',
    }),
    revenue: t.field({
      type: Money,
      description: 'Sum of their totals.',
      resolve: ({ revenue }) => required(revenue, 'revenue'),
    }),
  }),
});

const SalesReport = builder.objectRef<readonly SalesDayMessage[]>('SalesReport').implement({
  variants,
  description: 'What was sold in a time.',
  fields: (t) => ({
    days: t.field({
      type: [SalesDay],
      listSize: { assumedSize: maxDays },
      description: 'Days on which something was sold, the earliest first.',
      resolve: (days) => days,
    }),
  }),
});

builder.queryFields((t) => ({
  salesReport: t.field({
    type: SalesReport,
    variants,
    nullable: true,
    authScopes: { scope: 'reports:read' },
    // No index sums: every order of the time is read, some ten thousand in three months. As much as five pages of orders.
    cost: 100,
    calls: [orderCalls.salesReport],
    description: 'What was sold on each day of a time. Needs the scope `reports:read`.',
    args: {
      from: t.arg({ type: 'DateTime', required: true, description: 'The first moment that counts.' }),
      to: t.arg({
        type: 'DateTime',
        required: true,
        description: 'The first moment that counts no more, at most 92 days after the first.',
      }),
    },
    resolve: (_root, { from, to }, context) => salesDays(context, { fromTime: from, toTime: to }),
  }),
}));
