import { WeirError } from '../errors.ts';

/** The page arguments of a connection as they came; null and undefined both mean not given. */
export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
  /** Rows to skip from the start, for fields that offer page jumps. */
  readonly offset?: number | null | undefined;
}

/** How large and how deep the pages of a field may be, in rows. */
export interface PageLimits {
  /** Size when neither `first` nor `last` is given, 1 to `maxSize`. */
  readonly defaultSize: number;
  readonly maxSize: number;
  /** Most rows that `offset` may skip. Default 0: the field has no page jumps. */
  readonly maxOffset?: number | undefined;
}

/** What to ask the upstream for. */
export interface PageRequest {
  /** `forward`: the first `size` rows of the range; `backward`: the last ones. Rows keep their order either way. */
  readonly direction: 'forward' | 'backward';
  /** Rows to show, 0 to `maxSize`. For 0 ask the upstream for one row: it tells whether there is a page. */
  readonly size: number;
  /** Still opaque: the range begins behind it. */
  readonly after: string | null;
  /** Still opaque: the range ends before it. */
  readonly before: string | null;
  /** Rows to skip from the start of the list; above 0 only without cursors and forward. */
  readonly offset: number;
}

/** A page request, or the refusal that the client reads. */
export type ParsedPage =
  | { readonly ok: true; readonly page: PageRequest }
  | { readonly ok: false; readonly error: WeirError };

/**
 * Reads page arguments after the Relay Cursor Connections specification, section 4 (arguments), stricter where it
 * only discourages. No size gives `defaultSize` forward, also beside `before` alone. Refused: `first` or `last` that
 * is negative or above `maxSize` (`PAGE_SIZE`); both of them, an `offset` out of 0 to `maxOffset`, or an `offset`
 * beside a cursor or `last` (`BAD_USER_INPUT`).
 */
export function parsePageArguments(args: PageArguments, limits: PageLimits): ParsedPage {
  const { first, after, last, before, offset } = args;
  const error =
    sizeError('first', 'endCursor', first, limits) ??
    sizeError('last', 'startCursor', last, limits) ??
    conflictError(args) ??
    offsetError(offset, limits);
  if (error) return { ok: false, error };
  return {
    ok: true,
    page: {
      direction: isGiven(last) ? 'backward' : 'forward',
      size: first ?? last ?? limits.defaultSize,
      after: after ?? null,
      before: before ?? null,
      offset: offset ?? 0,
    },
  };
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}

function sizeError(
  argument: 'first' | 'last',
  rest: 'startCursor' | 'endCursor',
  size: number | null | undefined,
  { maxSize }: PageLimits,
): WeirError | undefined {
  if (!isGiven(size) || isWithin(size, maxSize)) return undefined;
  const advice =
    size > maxSize
      ? `Ask for at most ${maxSize} and go on from "${rest}" for more.`
      : `Ask for 0 to ${maxSize}, or leave it out.`;
  return new WeirError('PAGE_SIZE', {
    message: `Argument "${argument}": expected a whole number from 0 to ${maxSize}, got ${size}. ${advice}`,
    extensions: { argument, maximum: maxSize },
  });
}

function conflictError({ first, after, last, before, offset }: PageArguments): WeirError | undefined {
  if (isGiven(first) && isGiven(last)) {
    return badInput(
      `Expected "first" or "last", got both (${first} and ${last}). Leave out "last" to page forward, "first" to page backward.`,
    );
  }
  if (!isGiven(offset)) return undefined;
  const besides = Object.entries({ after, before, last }).filter(([, value]) => isGiven(value));
  if (besides.length === 0) return undefined;
  const names = besides.map(([name]) => `"${name}"`).join(' and ');
  return badInput(
    `Expected "offset" alone or with "first", got it with ${names}. Leave out "offset" to go on from a cursor, or ${names} to jump.`,
  );
}

function offsetError(
  offset: number | null | undefined,
  { maxOffset = 0 }: PageLimits,
): WeirError | undefined {
  if (!isGiven(offset) || isWithin(offset, maxOffset)) return undefined;
  return badInput(
    `Argument "offset": expected a whole number from 0 to ${maxOffset}, got ${offset}. To go deeper, follow "endCursor" with "after", or narrow the filter.`,
  );
}

function isWithin(value: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maximum;
}

function badInput(message: string): WeirError {
  return new WeirError('BAD_USER_INPUT', { message });
}
