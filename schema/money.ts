import type { Money as MoneyMessage } from '../upstream-protos/gen/shop/common/v1/money.ts';
import { builder } from './builder.ts';

/** An amount of money with its currency. */
export const Money = builder.objectRef<MoneyMessage>('Money').implement({
  description: 'An amount of money.',
  // Two leaves of whatever has it.
  cost: 0,
  cache: 'parent',
  fields: (t) => ({
    amount: t.field({ type: 'Decimal', description: 'How much, exact.', resolve: (money) => money }),
    currencyCode: t.exposeString('currencyCode', {
      description: 'ISO 4217 code of three letters, such as `EUR`.',
    }),
  }),
});
