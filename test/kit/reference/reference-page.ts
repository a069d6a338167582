import { type CursorBook, writeMeaning } from './cursor-book.ts';
import { refusal } from './refusal.ts';

/** Arguments of a connection as they come. */
export interface PageArguments {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
  readonly offset?: number | null;
}

/** A list with all its rows, in order. */
export interface WholeList<Row> {
  readonly list: string;
  readonly scope: Readonly<Record<string, unknown>>;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly show: (row: Row) => unknown;
}

/** What the shop documents. */
export const pageBounds = { defaultSize: 20, maxSize: 100, maxOffset: 1000 } as const;

/** The page of a whole list: where it begins, where it ends, and whether anything lies around it. */
export function pageOf<Row>(whole: WholeList<Row>, args: PageArguments, book: CursorBook) {
  const { list, scope, rows, keyOf, show } = whole;
  assertPage(args);
  const indexOf = (cursor: string) => {
    const meaning = book.meaningOf(cursor);
    const isOurs = meaning?.list === list && JSON.stringify(meaning.scope) === JSON.stringify(scope);
    if (!isOurs) throw refusal('INVALID_CURSOR');
    return rows.findIndex((row) => keyOf(row) === meaning.key);
  };
  const { first, last, after, before, offset } = args;
  const from = after == null ? 0 : indexOf(after) + 1;
  const to = before == null ? rows.length : indexOf(before);
  const size = first ?? last ?? pageBounds.defaultSize;
  const start = last == null ? from + (offset ?? 0) : Math.max(from, to - size);
  const end = last == null ? Math.min(to, start + size) : to;
  const shown = rows.slice(start, Math.max(start, end));
  const cursorOf = (row: Row) => writeMeaning({ list, scope, key: keyOf(row) });
  const [top, bottom] = [shown.at(0), shown.at(-1)];
  return {
    edges: shown.map((row) => ({ cursor: cursorOf(row), node: () => show(row) })),
    pageInfo: {
      hasPreviousPage: start > 0 && rows.length > 0,
      hasNextPage: end < rows.length,
      startCursor: top === undefined ? null : cursorOf(top),
      endCursor: bottom === undefined ? null : cursorOf(bottom),
    },
    totalCount: rows.length,
  };
}

function assertPage({ first, last, after, before, offset }: PageArguments): void {
  const { maxSize, maxOffset } = pageBounds;
  for (const size of [first, last]) {
    if (size != null && (size < 0 || size > maxSize)) throw refusal('PAGE_SIZE');
  }
  if (first != null && last != null) throw refusal('BAD_USER_INPUT');
  if (offset == null) return;
  if (after != null || before != null || last != null) throw refusal('BAD_USER_INPUT');
  if (offset < 0 || offset > maxOffset) throw refusal('BAD_USER_INPUT');
}
