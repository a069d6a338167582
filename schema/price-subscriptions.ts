import { productById } from '../loaders/catalog.ts';
import { required } from '../loaders/required.ts';
import { type PriceChange as PriceChangeMessage, priceChanges } from '../loaders/watch-prices.ts';
import { assertNodeId } from '../src/index.ts';
import { builder } from './builder.ts';
import { invalidInput } from './invalid-input.ts';
import { Money } from './money.ts';
import { Product } from './product.ts';

const PriceChange = builder.objectRef<PriceChangeMessage>('PriceChange').implement({
  description: 'A product whose price has changed.',
  fields: (t) => ({
    product: t.field({
      type: Product,
      nullable: true,
      calls: [productById],
      description: 'The product as it is now; null when it is no longer known.',
      resolve: ({ productId }, _args, context, info) =>
        context.load(productById, productId, context.readMask(info, 'Product')),
    }),
    previousPrice: t.field({
      type: Money,
      description: 'What one piece cost before.',
      resolve: ({ oldPrice }) => required(oldPrice, 'old_price'),
    }),
    price: t.field({
      type: Money,
      description: 'What one piece costs since then.',
      resolve: ({ newPrice }) => required(newPrice, 'new_price'),
    }),
    changedAt: t.field({
      type: 'DateTime',
      description: 'When it changed.',
      resolve: ({ changeTime }) => required(changeTime, 'change_time'),
    }),
  }),
});

/** Most products that are followed by name: as many as the largest page has rows. */
const maxProducts = 100;

builder.subscriptionFields((t) => ({
  priceChanged: t.field({
    type: PriceChange,
    nullable: true,
    description:
      'Each change of a price, for everybody. Who reads slowly gets the newest price of each product, and is not told of those between.',
    args: {
      products: t.arg.idList({
        description: `Only of these products, 1 to ${maxProducts} global ids. Default: of all.`,
      }),
    },
    subscribe: (_root, { products }) => priceChanges(chosenProducts(products)),
    resolve: (change) => change,
  }),
}));

function chosenProducts(products: readonly string[] | null | undefined): readonly string[] {
  if (!products) return [];
  if (products.length < 1 || products.length > maxProducts)
    throw invalidInput(['products'], `expected 1 to ${maxProducts} products, got ${products.length}.`);
  return products.map((id, index) => assertNodeId(id, 'Product', ['products', index]));
}
