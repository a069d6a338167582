import type { GraphQLResolveInfo } from 'graphql';
import { listSizeOf } from '../guard/cost/weights.ts';
import { type Connection, createConnection } from '../page/connection.ts';
import { assertCursor, cursorScope, type FilterValue } from '../page/cursor.ts';
import { type PageArguments, type PageLimits, parsePageArguments } from '../page/page.ts';
import type { OperationContext } from './context.ts';

/** What a connection asks its upstream for: positions are the upstream's own, '' where there is none. */
export interface UpstreamPage {
  /** Rows at most, 1 or more. */
  readonly size: number;
  readonly after: string;
  readonly before: string;
  readonly backward: boolean;
  /** Rows to jump over before the first. */
  readonly skip: number;
}

/** What the upstream answered. */
export interface UpstreamRows<Row> {
  /** In the order of the list, whatever the direction. */
  readonly rows: readonly Row[];
  /** The position of each row, by the same index. */
  readonly positions: readonly string[];
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
}

/** Where a connection's rows come from. */
export interface ConnectionSource<Rows> {
  /** How deep this field's page jumps may go; its page sizes are the field's `pageSize`. */
  readonly limits?: Pick<PageLimits, 'maxOffset'>;
  /** All that chooses the rows (parent, filter) and orders them: a cursor is good for the same ones only. */
  readonly filter: FilterValue;
  readonly order: string;
  /** Loads one page; null when there is no such list. */
  readonly load: (page: UpstreamPage) => Promise<Rows | null>;
}

type RowOf<Rows extends UpstreamRows<unknown>> = Rows['rows'][number];

/**
 * Resolves a Relay connection: checks the page arguments, opens the cursors, loads one page, closes it again.
 * Throws `PAGE_SIZE`, `BAD_USER_INPUT` or `INVALID_CURSOR` before anything is loaded; gives null when `load` does.
 * Members that `load` gives beyond its rows (a total count, say) stand on the connection too.
 * Source: Relay Cursor Connections specification.
 */
export async function resolveConnection<Rows extends UpstreamRows<unknown>>(
  context: OperationContext,
  info: GraphQLResolveInfo,
  args: PageArguments,
  source: ConnectionSource<Rows>,
): Promise<(Connection<RowOf<Rows>> & Omit<Rows, keyof UpstreamRows<unknown>>) | null> {
  const parsed = parsePageArguments(args, { ...context.pages, ...pageSizeOf(info), ...source.limits });
  if (!parsed.ok) throw parsed.error;
  const { page } = parsed;
  const scope = cursorScope(`${info.parentType.name}.${info.fieldName}`, source.filter, source.order);
  const open = (cursor: string | null, argument: string) =>
    cursor === null ? '' : assertCursor(context.cursors, scope, cursor, argument);
  const loaded = await source.load({
    size: Math.max(1, page.size),
    after: open(page.after, 'after'),
    before: open(page.before, 'before'),
    backward: page.direction === 'backward',
    skip: page.offset,
  });
  if (!loaded) return null;
  const { rows, positions, hasBefore, hasAfter, ...extra } = loaded;
  const encode = (position: string) => context.cursors.seal(scope, position);
  const options = { page, rows, positions, hasBefore, hasAfter, encode };
  return { ...extra, ...createConnection<RowOf<Rows>>(options) };
}

/** Page sizes of a field that has its own: by them its price was made. */
function pageSizeOf({ parentType, fieldName }: GraphQLResolveInfo): Partial<PageLimits> {
  const field = parentType.getFields()[fieldName];
  const { defaultSize, maximum } = (field && listSizeOf(field, fieldName)) ?? {};
  return {
    ...(defaultSize !== undefined && { defaultSize }),
    ...(maximum !== undefined && { maxSize: maximum }),
  };
}
