import {
  Category,
  catalogCalls,
  listProducts,
  listReviews,
  ProductOrder,
  type ProductQuery,
  productById,
  reviewsByProduct,
} from '../loaders/catalog.ts';
import { required } from '../loaders/required.ts';
import { assertNodeId, resolveConnection } from '../src/index.ts';
import type { Product as ProductMessage } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { builder } from './builder.ts';
import type { Decimal } from './decimal.ts';
import { found } from './found.ts';
import { Money } from './money.ts';
import { NodeInterface } from './node-interface.ts';
import { enumValues, knownValue } from './proto-enum.ts';
import { Review } from './review.ts';

const categories = enumValues(Category, 'CATEGORY_', {
  BOOKS: 'Books and magazines.',
  ELECTRONICS: 'Devices and their accessories.',
  FASHION: 'Things to wear.',
  GARDEN: 'Garden tools and plants.',
  GROCERY: 'Food and drink.',
  HOME: 'Furniture and household goods.',
  SPORTS: 'Sports and outdoor goods.',
  TOYS: 'Toys and games.',
});

const CategoryEnum = builder.enumType('Category', {
  description: 'The part of the shop that a product belongs to.',
  values: categories,
});

const ProductOrderEnum = builder.enumType('ProductOrder', {
  description: 'The order of a list of products.',
  values: enumValues(ProductOrder, 'PRODUCT_ORDER_', {
    NEWEST: 'Latest created first.',
    PRICE_ASC: 'Cheapest first.',
    PRICE_DESC: 'Dearest first.',
    BESTSELLING: 'Most sold first.',
  }),
});

const ThumbnailSizeEnum = builder.enumType('ThumbnailSize', {
  variants: ['mobile'],
  description: 'How wide a small picture is.',
  values: {
    SMALL: { value: 160, description: '160 pixels: a row of a list.' },
    MEDIUM: { value: 320, description: '320 pixels: half of a screen.' },
    LARGE: { value: 640, description: '640 pixels: the whole width of a screen.' },
  } as const,
});

/** Time for which anybody's cache may keep what is the same for all, in seconds. */
const shownFor = (maxAgeSeconds: number) => ({ maxAgeSeconds, scope: 'public' as const });

/** Most pictures of a product: the catalog says none, and those that it was filled with have up to 6. */
const maxImages = 20;

/** Something that the shop sells. */
export const Product = builder.objectRef<ProductMessage>('Product').implement({
  description: 'Something that the shop sells.',
  // The catalog tells everybody the same.
  cache: shownFor(60),
  interfaces: [NodeInterface],
  masked: true,
  fields: (t) => ({
    sku: t.exposeString('sku', { description: 'Stock keeping unit: unique, printed on the box.' }),
    title: t.exposeString('title', { description: 'The name shown to customers.' }),
    description: t.exposeString('description', { description: 'A paragraph of plain text.' }),
    category: t.field({
      type: CategoryEnum,
      nullable: true,
      needs: ['category'],
      description: 'The part of the shop that it belongs to; null when it is not known.',
      resolve: ({ category }) => knownValue(categories, category),
    }),
    price: t.field({
      type: Money,
      needs: ['price'],
      description: 'What one piece costs now.',
      resolve: ({ price }) => required(price, 'price'),
    }),
    stock: t.exposeInt('stock', { cache: shownFor(5), description: 'Pieces that can be sold now.' }),
    images: t.field({
      type: ['URL'],
      // As large as they were made: a phone asks for one that fits.
      variants: ['web'],
      needs: ['image_urls'],
      listSize: { assumedSize: maxImages },
      description: 'Addresses of pictures, the main one first.',
      resolve: ({ imageUrls }) => imageUrls,
    }),
    thumbnail: t.field({
      type: 'URL',
      variants: ['mobile'],
      nullable: true,
      needs: ['image_urls'],
      description: 'Address of the main picture, as small as it is shown; null when there is none.',
      args: {
        size: t.arg({
          type: ThumbnailSizeEnum,
          required: true,
          defaultValue: 320,
          description: 'How large.',
        }),
      },
      resolve: ({ imageUrls: [main] }, { size }) => (main === undefined ? null : `${main}?width=${size}`),
    }),
    ratingAverage: t.exposeFloat('ratingAverage', {
      nullable: true,
      description: 'Mean of the ratings, 1 to 5; null while there is no review.',
    }),
    unitsSold: t.expose('unitsSold', { type: 'BigInt', description: 'Pieces ever sold.' }),
    mediaId: t.expose('mediaId', {
      type: 'BigInt',
      variants: ['web'],
      description: 'Number of the product in the media archive.',
      deprecated: {
        reason: 'The archive renumbers what it moves: use `images`.',
        since: '2026-11-23',
        removal: '2027-06-01',
      },
    }),
    createdAt: t.field({
      type: 'DateTime',
      needs: ['create_time'],
      description: 'When the product was first offered.',
      resolve: ({ createTime }) => required(createTime, 'create_time'),
    }),
    reviews: t.connection(
      {
        type: Review,
        nullable: true,
        needs: [],
        calls: [reviewsByProduct],
        description: 'What customers say of it, newest first.',
        resolve: ({ id }, args, context, info) =>
          resolveConnection(context, info, args, {
            filter: { product: id },
            order: 'newest',
            load: (page) => listReviews(context, id, page),
          }),
      },
      {
        name: 'ReviewConnection',
        description: 'A page of reviews.',
        fields: (connection) => ({
          totalCount: connection.int({
            description: 'How many reviews there are in all.',
            resolve: ({ totalCount }) => totalCount,
          }),
        }),
      },
      { name: 'ReviewEdge', description: 'A review in a page.' },
    ),
  }),
});

const PriceBetween = builder.inputType('PriceBetween', {
  description: 'A range of prices, both ends included.',
  fields: (t) => ({
    from: t.field({ type: 'Decimal', required: true, description: 'The lowest price.' }),
    to: t.field({ type: 'Decimal', required: true, description: 'The highest price.' }),
  }),
});

const PriceFilter = builder.inputType('PriceFilter', {
  description: 'Which prices pass: exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    atLeast: t.field({ type: 'Decimal', description: 'This much or more.' }),
    atMost: t.field({ type: 'Decimal', description: 'This much or less.' }),
    between: t.field({ type: PriceBetween, description: 'Within a range.' }),
  }),
});

const ProductFilter = builder.inputType('ProductFilter', {
  description: 'Which products to list; what is left out lets all pass.',
  fields: (t) => ({
    category: t.field({ type: CategoryEnum, description: 'Only products of this category.' }),
    query: t.string({
      // No index helps here: the catalog reads every title.
      cost: 20,
      description: 'Only products whose title contains this text, in any case; at most 100 characters.',
    }),
    price: t.field({ type: PriceFilter, description: 'Only products with such a price.' }),
    inStock: t.boolean({ description: 'Whether to list only products that can be sold now.' }),
  }),
});

/** Most rows that `products(offset:)` may jump over: what the catalog documents. */
const maxOffset = 1000;

builder.queryFields((t) => ({
  product: t.field({
    type: Product,
    nullable: true,
    cache: shownFor(60),
    calls: [productById],
    description: 'A product by its id; null with an error when there is none.',
    args: { id: t.arg.id({ required: true, description: 'The global id of a product.' }) },
    resolve: (_root, { id }, context, info) =>
      context.load(productById, assertNodeId(id, 'Product'), context.readMask(info, 'Product')).then(found),
  }),
  products: t.connection(
    {
      type: Product,
      nullable: true,
      cache: shownFor(60),
      calls: [catalogCalls.listProducts],
      description: 'What the shop sells.',
      args: {
        filter: t.arg({ type: ProductFilter, description: 'Which products. Default: all.' }),
        order: t.arg({
          type: ProductOrderEnum,
          required: true,
          defaultValue: ProductOrder.PRODUCT_ORDER_NEWEST,
          description: 'In which order.',
        }),
        offset: t.arg.int({
          // Numbered pages are of desks; a phone scrolls.
          variants: ['web'],
          // The rows that are jumped over are read as well.
          cost: 5,
          description: `Rows to jump over from the start, 0 to ${maxOffset}; not together with a cursor or \`last\`.`,
        }),
      },
      resolve: (_root, args, context, info) => {
        const query = productQuery(args.filter ?? {}, args.order);
        return resolveConnection(context, info, args, {
          limits: { maxOffset },
          filter: filterScope(query),
          order: String(args.order),
          load: (page) => listProducts(context, query, context.readMask(info, 'Product'), page),
        });
      },
    },
    { name: 'ProductConnection', description: 'A page of products.' },
    { name: 'ProductEdge', description: 'A product in a page.' },
  ),
}));

type FilterInput = typeof ProductFilter.$inferInput;

/** The catalog's currency; the graph's filters name none. */
const currencyCode = 'EUR';

function productQuery(input: FilterInput, order: ProductOrder): ProductQuery {
  const { price } = input;
  return {
    order,
    filter: {
      category: input.category ?? Category.CATEGORY_UNSPECIFIED,
      query: input.query ?? '',
      inStock: input.inStock ?? false,
      minPrice: money(price?.atLeast ?? price?.between?.from),
      maxPrice: money(price?.atMost ?? price?.between?.to),
    },
  };
}

function money(amount: Decimal | null | undefined) {
  return amount ? { currencyCode, ...amount } : undefined;
}

/** A filter as a cursor is bound to it. */
function filterScope({ filter }: ProductQuery) {
  const { category = 0, query = '', inStock = false, minPrice, maxPrice } = filter ?? {};
  const amount = (price: typeof minPrice) => (price ? `${price.units}:${price.nanos}` : null);
  return { category, query, inStock, minPrice: amount(minPrice), maxPrice: amount(maxPrice) };
}
