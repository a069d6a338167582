import { defineLoader, type UpstreamPage, type UpstreamRows, withInputPaths } from '../src/index.ts';
import {
  CatalogServiceService as catalog,
  type ListProductsRequest,
  type ListReviewsResponse,
  type Product,
  type Review,
} from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { ShopContext } from './context.ts';
import { pageRequest, pageRows } from './page.ts';

export { Category, ProductOrder } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';

/** Methods that change nothing, so that a failed call may be tried again. */
export const catalogReads = [
  catalog.batchGetProducts,
  catalog.listProducts,
  catalog.listReviews,
  catalog.batchListReviews,
];

/** The call of each function here that makes one, for the price of the fields that use it. */
export const catalogCalls = {
  listProducts: { upstream: 'catalog', method: catalog.listProducts.path },
} as const;

/** Products by id, with the members that a read mask names. */
export const productById = defineLoader({
  name: 'productById',
  maxBatchSize: 500,
  upstream: 'catalog',
  method: catalog.batchGetProducts.path,
  // The catalog is the same for everybody.
  sharing: 'public',
  keyOf: (product: Product) => product.id,
  fetch: async (ids: readonly string[], readMask: readonly string[], context: ShopContext) => {
    const request = { ids: [...ids], readMask: [...readMask] };
    const { products } = await context.upstreams.catalog.unary(catalog.batchGetProducts, request);
    return products;
  },
});

/** The same page of reviews of many products, by product id. */
export const reviewsByProduct = defineLoader({
  name: 'reviewsByProduct',
  maxBatchSize: 500,
  upstream: 'catalog',
  method: catalog.batchListReviews.path,
  keyOf: (reviews: ListReviewsResponse) => reviews.productId,
  fetch: async (productIds: readonly string[], page: UpstreamPage, context: ShopContext) => {
    const request = { productIds: [...productIds], page: pageRequest(page) };
    const { pages } = await context.upstreams.catalog.unary(catalog.batchListReviews, request);
    return pages;
  },
});

/** What chooses and orders a list of products. */
export type ProductQuery = Pick<ListProductsRequest, 'filter' | 'order'>;

/** One page of the products that a query chooses. */
export async function listProducts(
  context: ShopContext,
  query: ProductQuery,
  readMask: readonly string[],
  page: UpstreamPage,
): Promise<UpstreamRows<Product>> {
  const request = { ...query, page: pageRequest(page), readMask: [...readMask] };
  const listed = context.upstreams.catalog.unary(catalog.listProducts, request);
  const response = await withInputPaths(listed, {
    'filter.query': 'filter.query',
    'filter.minPrice': 'filter.price',
    'filter.maxPrice': 'filter.price',
  });
  return pageRows(response.products, response.page);
}

/** A page of one product's reviews, with how many there are in all. */
export interface ReviewRows extends UpstreamRows<Review> {
  readonly totalCount: number;
}

/** One page of a product's reviews; null when the upstream has no page for it. */
export async function listReviews(
  context: ShopContext,
  productId: string,
  page: UpstreamPage,
): Promise<ReviewRows | null> {
  const response = await context.load(reviewsByProduct, productId, page);
  return response && { ...pageRows(response.reviews, response.page), totalCount: response.totalSize };
}
