import type { PageRequest } from './page.ts';

/** One row of a page with its cursor, which is made only when it is read. */
export interface Edge<Row> {
  readonly node: Row;
  readonly cursor: string;
}

/** What lies around a page (Relay Cursor Connections specification, section 2.1.2). */
export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Cursor of the first edge, null when there is none. */
  readonly startCursor: string | null;
  /** Cursor of the last edge, null when there is none. */
  readonly endCursor: string | null;
}

/** One page, in the shape that the default resolver of GraphQL reads. */
export interface Connection<Row> {
  readonly edges: readonly Edge<Row>[];
  readonly pageInfo: PageInfo;
}

/** What the upstream answered to a page request. */
export interface ConnectionOptions<Row> {
  readonly page: PageRequest;
  /** In display order, whatever the direction. Rows beyond `page.size` are not shown; they tell of another page. */
  readonly rows: readonly Row[];
  /** The upstream's position of each row, by the same index. */
  readonly positions: readonly string[];
  /** Whether the list has rows before the first of `rows`. */
  readonly hasBefore: boolean;
  /** Whether the list has rows behind the last of `rows`. */
  readonly hasAfter: boolean;
  /** Makes a cursor of a position; called once per cursor that is read, never for others. */
  readonly encode: (position: string) => string;
}

/**
 * The connection of one page. A page of size 0 has no edges and no cursors; the one row that was asked for it tells
 * whether there is a page in its direction. Throws RangeError when rows and positions differ in number.
 */
export function createConnection<Row>(options: ConnectionOptions<Row>): Connection<Row> {
  const { page, rows, positions, hasBefore, hasAfter, encode } = options;
  if (rows.length !== positions.length) {
    throw new RangeError(`Expected a position per row, got ${positions.length} for ${rows.length} rows.`);
  }
  const surplus = Math.max(0, rows.length - page.size);
  const forward = page.direction === 'forward';
  const start = forward ? 0 : surplus;
  const end = rows.length - (forward ? surplus : 0);
  const edges = rows
    .slice(start, end)
    .map((node, index) => new LazyEdge(node, positions[start + index] ?? '', encode));
  return {
    edges,
    pageInfo: {
      hasNextPage: hasAfter || end < rows.length,
      hasPreviousPage: hasBefore || start > 0,
      get startCursor() {
        return edges.at(0)?.cursor ?? null;
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null;
      },
    },
  };
}

/** A class for its getter: on the prototype it costs nothing per row, and any resolver reads it as a property. */
class LazyEdge<Row> implements Edge<Row> {
  readonly node: Row;
  readonly #position: string;
  readonly #encode: (position: string) => string;

  constructor(node: Row, position: string, encode: (position: string) => string) {
    this.node = node;
    this.#position = position;
    this.#encode = encode;
  }

  get cursor(): string {
    return this.#encode(this.#position);
  }
}
