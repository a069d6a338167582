import type { ListReviewsResponse, Review } from '../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { PageRequest } from '../upstream-protos/gen/shop/common/v1/page.ts';
import { cutPage, type PageList, pageInfo, pageStatement, planPage, readPage } from './page.ts';
import { createParams } from './params.ts';
import { invalidArgument, notFound } from './status.ts';
import type { Sql } from './store.ts';

interface ReviewRow {
  readonly id: string;
  readonly product_id: string;
  readonly author_id: string;
  readonly rating: number;
  readonly title: string;
  readonly body: string;
  readonly create_time: Date;
}

/** A product and one of its reviews, or none. */
type JoinedRow = { readonly product: string; readonly total: number } & (
  | ReviewRow
  | { readonly [Column in keyof ReviewRow]: null }
);

const COLUMNS = ['id', 'product_id', 'author_id', 'rating', 'title', 'body', 'create_time'];

/** One page of one product's reviews. */
export async function readReviews(
  sql: Sql,
  productId: string,
  request: PageRequest | undefined,
  signal: AbortSignal,
): Promise<ListReviewsResponse> {
  const list = reviewList(productId);
  const plan = planPage(list, request);
  const products = await sql.query<{ total: number }>(
    'SELECT review_count AS total FROM products WHERE id = $1',
    [productId],
    signal,
  );
  if (!products[0]) throw notFound('shop.catalog.v1.Product', productId);
  const where = (bind: (value: unknown) => string) => [`product_id = ${bind(productId)}`];
  const source = { list, plan, from: 'reviews', columns: COLUMNS, where };
  const { rows, info } = await readPage<ReviewRow>(sql, source, signal);
  return { productId, reviews: rows.map(reviewFromRow), page: info, totalSize: products[0].total };
}

/** The same page of the reviews of many products, in one statement. */
export async function readReviewsOfMany(
  sql: Sql,
  productIds: readonly string[],
  request: PageRequest | undefined,
  signal: AbortSignal,
): Promise<ListReviewsResponse[]> {
  if (request?.afterToken || request?.beforeToken) return readWithToken(sql, productIds, request, signal);
  // Without a token the plan is the same for every product.
  const plan = planPage(reviewList(''), request);
  const { bind, values } = createParams();
  const statement = pageStatement(
    {
      list: reviewList(''),
      plan,
      from: 'reviews',
      columns: COLUMNS,
      where: () => ['product_id = products.id'],
    },
    bind,
  );
  const direction = plan.backward ? 'ASC' : 'DESC';
  const rows = await sql.query<JoinedRow>(
    `SELECT products.id AS product, products.review_count AS total, page.* FROM products
     LEFT JOIN LATERAL (${statement}) page ON true WHERE products.id = ANY(${bind(productIds)})
     ORDER BY products.id, page.create_time ${direction}, page.id ${direction}`,
    values,
    signal,
  );
  return [...Map.groupBy(rows, ({ product }) => product)].map(([productId, joined]) => {
    const { rows: reviews, more } = cutPage(plan, joined.filter(isReview));
    const totalSize = joined[0]?.total ?? 0;
    const near = plan.skip > 0 && totalSize > 0;
    const page = pageInfo({ list: reviewList(productId), plan }, reviews, { more, near, far: more });
    return { productId, reviews: reviews.map(reviewFromRow), page, totalSize };
  });
}

async function readWithToken(
  sql: Sql,
  [productId = '', ...others]: readonly string[],
  request: PageRequest,
  signal: AbortSignal,
): Promise<ListReviewsResponse[]> {
  if (others.length > 0) {
    const field = request.afterToken ? 'page.after_token' : 'page.before_token';
    throw invalidArgument({ field, description: 'is bound to one product, so expected one product id' });
  }
  const found = await sql.query('SELECT 1 FROM products WHERE id = $1', [productId], signal);
  return found.length > 0 ? [await readReviews(sql, productId, request, signal)] : [];
}

function reviewList(productId: string): PageList {
  return {
    name: 'reviews',
    scope: [productId],
    keys: [
      { column: 'create_time', type: 'timestamptz' },
      { column: 'id', type: 'text' },
    ],
    descending: true,
  };
}

function isReview(row: JoinedRow): row is Extract<JoinedRow, ReviewRow> {
  return row.id !== null;
}

function reviewFromRow(row: ReviewRow): Review {
  return {
    id: row.id,
    productId: row.product_id,
    authorId: row.author_id,
    rating: row.rating,
    title: row.title,
    body: row.body,
    createTime: row.create_time,
  };
}
