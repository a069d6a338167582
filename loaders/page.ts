import { type UpstreamPage, type UpstreamRows, WeirError } from '../src/index.ts';
import {
  PageDirection,
  type PageInfo,
  type PageRequest,
} from '../upstream-protos/gen/shop/common/v1/page.ts';

/** The shop's page request for a connection's page. */
export function pageRequest({ size, after, before, backward, skip }: UpstreamPage): PageRequest {
  const direction = backward ? PageDirection.PAGE_DIRECTION_BACKWARD : PageDirection.PAGE_DIRECTION_FORWARD;
  return { pageSize: size, afterToken: after, beforeToken: before, direction, skip };
}

/** A connection's rows from a page of the shop; a response without its position breaks the contract. */
export function pageRows<Row>(rows: readonly Row[], page: PageInfo | undefined): UpstreamRows<Row> {
  if (!page)
    throw new WeirError('INTERNAL_SERVER_ERROR', { cause: new Error('A list response had no page.') });
  return { rows, positions: page.rowTokens, hasBefore: page.hasBefore, hasAfter: page.hasAfter };
}

/** One page of a list that is in memory already, by its own keys: a position is the key of its row. */
export function pageOfKeys(keys: readonly string[], page: UpstreamPage): UpstreamRows<string> {
  const { size, after, before, backward, skip } = page;
  const from = (after === '' ? 0 : keys.indexOf(after) + 1) + skip;
  const to = before === '' || !keys.includes(before) ? keys.length : keys.indexOf(before);
  const start = backward ? Math.max(from, to - size) : from;
  const end = backward ? to : Math.min(to, from + size);
  const rows = keys.slice(start, end);
  return { rows, positions: rows, hasBefore: start > 0 && keys.length > 0, hasAfter: end < keys.length };
}
