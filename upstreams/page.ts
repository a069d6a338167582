import { createHash } from 'node:crypto';
import {
  PageDirection,
  type PageInfo,
  type PageRequest,
} from '../upstream-protos/gen/shop/common/v1/page.ts';
import { type Bind, createParams } from './params.ts';
import { invalidArgument, type Violation } from './status.ts';
import type { Sql } from './store.ts';

/** A column that a list is sorted by. All columns of a list sort in one direction, so that one row comparison says it all. */
export interface SortKey {
  readonly column: string;
  readonly type: KeyType;
}

export type KeyType = 'bigint' | 'text' | 'timestamptz';

/** One list: what a page token is bound to. */
export interface PageList {
  /** For example 'products'. */
  readonly name: string;
  /** Everything else that decides which rows the list has: its filter and order. */
  readonly scope: readonly (string | number | bigint | boolean)[];
  /** The last one is unique. An index on these columns, after those of the filter, serves both directions. */
  readonly keys: readonly SortKey[];
  readonly descending: boolean;
}

/** A page request that was found valid. */
export interface PagePlan {
  /** 1 to 500. */
  readonly size: number;
  /** 0 to 1,000. */
  readonly skip: number;
  /** Read from the end of the range. */
  readonly backward: boolean;
  /** Exclusive bounds of the range. */
  readonly after: Position | undefined;
  readonly before: Position | undefined;
}

/** The sort key of one row, each value as exact text: timestamps in microseconds since 1970. */
export type Position = readonly string[];

/** How to read a list's rows. `where` is called once for each statement. */
export interface PageSource {
  readonly list: PageList;
  readonly plan: PagePlan;
  /** SQL after FROM. */
  readonly from: string;
  /** SQL of the select list. */
  readonly columns: readonly string[];
  /** SQL conditions that all rows fulfil. */
  readonly where: (bind: Bind) => readonly string[];
}

export interface Page<Row> {
  /** In the order of the list. */
  readonly rows: readonly Row[];
  readonly info: PageInfo;
}

const DEFAULT_SIZE = 50;
const MAX_SIZE = 500;
const MAX_SKIP = 1_000;
const MAX_TOKEN_CHARACTERS = 1_024;
const TOKEN_VERSION = 1;

/** What each type needs: its exact text, the way back, and which texts can be it. */
const KEY_TYPES = {
  bigint: {
    text: (column: string) => `${column}::text`,
    value: (placeholder: string) => `${placeholder}::bigint`,
    valid: (text: string) => isInteger(text, 2n ** 63n),
  },
  text: {
    text: (column: string) => `${column}::text`,
    value: (placeholder: string) => `${placeholder}::text`,
    // Postgres has no zero character in text.
    valid: (text: string) => !text.includes('\0'),
  },
  timestamptz: {
    // extract() is exact (numeric); the way back multiplies as double, exact below 2^53 µs: the year 2255.
    text: (column: string) => `(extract(epoch FROM ${column}) * 1000000)::bigint::text`,
    value: (placeholder: string) =>
      `('epoch'::timestamptz + ${placeholder}::bigint * interval '1 microsecond')`,
    valid: (text: string) => isInteger(text, 2n ** 53n),
  },
} as const satisfies Record<KeyType, unknown>;

/**
 * Reads a page request against its list.
 *
 * @param path where the request stands in its message, for violations.
 * @throws INVALID_ARGUMENT for a size or skip out of bounds and for a token that is not of this list.
 */
export function planPage(list: PageList, request: PageRequest | undefined, path = 'page'): PagePlan {
  const { pageSize = 0, skip = 0, afterToken = '', beforeToken = '', direction = 0 } = request ?? {};
  const after = readToken(list, afterToken);
  const before = readToken(list, beforeToken);
  const faults: [boolean, string, string][] = [
    [pageSize < 0 || pageSize > MAX_SIZE, 'page_size', `expected 0 to ${MAX_SIZE}, got ${pageSize}`],
    [skip < 0 || skip > MAX_SKIP, 'skip', `expected 0 to ${MAX_SKIP}, got ${skip}`],
    [direction < 0 || direction > 2, 'direction', `expected 0 to 2, got ${direction}`],
    [after === 'foreign', 'after_token', 'is not a token of this list'],
    [before === 'foreign', 'before_token', 'is not a token of this list'],
  ];
  const violations: Violation[] = faults
    .filter(([wrong]) => wrong)
    .map(([, field, description]) => ({ field: `${path}.${field}`, description }));
  if (after === 'foreign' || before === 'foreign' || violations.length > 0)
    throw invalidArgument(...violations);
  const backward = direction === PageDirection.PAGE_DIRECTION_BACKWARD;
  return { size: pageSize || DEFAULT_SIZE, skip, backward, after, before };
}

/** The statement that reads one row more than the page, from the end that the plan reads from. */
export function pageStatement({ list, plan, from, columns, where }: PageSource, bind: Bind): string {
  const keys = list.keys.map(({ column, type }, i) => `${KEY_TYPES[type].text(column)} AS key_${i}`);
  const conditions = [
    ...where(bind),
    ...(plan.after ? [comparison(list, 'after', plan.after, bind)] : []),
    ...(plan.before ? [comparison(list, 'before', plan.before, bind)] : []),
  ];
  return [
    `SELECT ${[...columns, ...keys].join(', ')} FROM ${from}`,
    conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '',
    orderBy(list, plan.backward),
    `LIMIT ${bind(plan.size + 1)}`,
    plan.skip > 0 ? `OFFSET ${bind(plan.skip)}` : '',
  ].join(' ');
}

function orderBy({ keys, descending }: PageList, backward: boolean): string {
  const direction = descending !== backward ? 'DESC' : 'ASC';
  return `ORDER BY ${keys.map(({ column }) => `${column} ${direction}`).join(', ')}`;
}

/** A page's rows from what its statement gave, and whether there was more in that direction. */
export function cutPage<Row>(plan: PagePlan, fetched: readonly Row[]): { rows: Row[]; more: boolean } {
  const rows = fetched.slice(0, plan.size);
  return { rows: plan.backward ? rows.reverse() : rows, more: fetched.length > plan.size };
}

/** What a page says of itself. `near` is the end that it was read from, `far` the other one. */
export function pageInfo(
  { list, plan }: Pick<PageSource, 'list' | 'plan'>,
  rows: readonly object[],
  { more, near, far }: { more: boolean; near: boolean; far: boolean },
): PageInfo {
  const rowTokens = rows.map((row) => writeToken(list, positionOf(list, row)));
  const last = plan.backward ? rowTokens[0] : rowTokens.at(-1);
  return {
    rowTokens,
    hasBefore: plan.backward ? far : near,
    hasAfter: plan.backward ? near : far,
    nextPageToken: (more && last) || '',
  };
}

/** Reads one page: one statement, and one short probe for each end of the page that the statement says nothing of. */
export async function readPage<Row extends object>(
  sql: Sql,
  source: PageSource,
  signal?: AbortSignal,
): Promise<Page<Row>> {
  const { list, plan } = source;
  const { bind, values } = createParams();
  const { rows, more } = cutPage(plan, await sql.query<Row>(pageStatement(source, bind), values, signal));
  const [nearSide, farSide] = plan.backward ? (['after', 'before'] as const) : (['before', 'after'] as const);
  const [nearBound, farBound] = plan.backward ? [plan.before, plan.after] : [plan.after, plan.before];
  const edge = plan.backward ? rows.at(-1) : rows[0];
  // An empty page has what its bounds shut out around it, also when they cross.
  const nearest = edge ? positionOf(list, edge) : (nearBound ?? farBound);
  const isBound = edge === undefined && nearBound !== undefined;

  let near = edge !== undefined && plan.skip > 0;
  if (!near && (nearBound || plan.skip > 0))
    near = await hasRows(sql, source, nearSide, nearest, signal, isBound);
  let far = more;
  if (!far && farBound) far = await hasRows(sql, source, farSide, farBound, signal, true);
  return { rows, info: pageInfo(source, rows, { more, near, far }) };
}

/** Whether the list has a row on that side of a position, or at all when there is none. */
async function hasRows(
  sql: Sql,
  { list, from, where }: PageSource,
  side: 'after' | 'before',
  position: Position | undefined,
  signal: AbortSignal | undefined,
  inclusive = false,
): Promise<boolean> {
  const { bind, values } = createParams();
  const conditions = [...where(bind)];
  if (position) conditions.push(comparison(list, side, position, bind, inclusive));
  // Any row would do; the order makes Postgres take the index, where it may else read the table until it meets one.
  const order = orderBy(list, side === 'before');
  const text = `SELECT 1 FROM ${from} WHERE ${conditions.join(' AND ') || 'true'} ${order} LIMIT 1`;
  return (await sql.query(text, values, signal)).length > 0;
}

function comparison(
  list: PageList,
  side: 'after' | 'before',
  position: Position,
  bind: Bind,
  inclusive = false,
): string {
  const operator = (side === 'after') !== list.descending ? '>' : '<';
  const columns = list.keys.map(({ column }) => column).join(', ');
  const values = list.keys.map(({ type }, i) => KEY_TYPES[type].value(bind(position[i]))).join(', ');
  return `(${columns}) ${operator}${inclusive ? '=' : ''} (${values})`;
}

function positionOf(list: PageList, row: object): Position {
  // The columns that pageStatement added.
  const keyed = row as Readonly<Record<string, unknown>>;
  return list.keys.map((_, i) => String(keyed[`key_${i}`]));
}

/** The token of one position: base64url of JSON [version, list, ...sort key]. Opaque to callers. */
export function writeToken(list: PageList, position: Position): string {
  return Buffer.from(JSON.stringify([TOKEN_VERSION, listId(list), ...position])).toString('base64url');
}

/** The position that a token stands for; undefined for the empty token. */
export function readToken(list: PageList, token: string): Position | undefined | 'foreign' {
  if (token === '') return undefined;
  if (token.length > MAX_TOKEN_CHARACTERS) return 'foreign';
  const parts = parseJson(Buffer.from(token, 'base64url').toString());
  if (!Array.isArray(parts) || parts.length !== list.keys.length + 2) return 'foreign';
  const [version, id, ...values] = parts;
  if (version !== TOKEN_VERSION || id !== listId(list) || !isPosition(list, values)) return 'foreign';
  // One position has one token: what decodes leniently to the same is not it.
  return writeToken(list, values) === token ? values : 'foreign';
}

function listId({ name, scope, keys, descending }: PageList): string {
  const identity = [name, scope.map(String), keys.map(({ column, type }) => [column, type]), descending];
  return createHash('sha256').update(JSON.stringify(identity)).digest('base64url').slice(0, 11);
}

function isPosition(list: PageList, values: readonly unknown[]): values is string[] {
  return list.keys.every(({ type }, i) => {
    const value = values[i];
    return typeof value === 'string' && KEY_TYPES[type].valid(value);
  });
}

function isInteger(text: string, bound: bigint): boolean {
  if (!/^-?\d{1,19}$/.test(text)) return false;
  const value = BigInt(text);
  return value >= -bound && value < bound;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
