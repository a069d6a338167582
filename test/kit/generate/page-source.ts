import type { Draw } from './draw.ts';

/** A field on the way to the one in question, with the values of its arguments as they will count. */
export interface PathStep {
  /** `Query.things`. */
  readonly coordinate: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A connection whose page is to be chosen. */
export interface PagePlace {
  readonly coordinate: string;
  /** The fields above it, the outermost first. */
  readonly path: readonly PathStep[];
  readonly argumentNames: ReadonlySet<string>;
  /** Most rows that the page should have, 0 or more. */
  readonly maxRows: number;
}

/** The page of a connection. */
export interface PageDraw {
  /** Values that go before drawn ones; undefined leaves an argument out. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Rows that it will have at most. */
  readonly rows: number;
}

/** Chooses pages: the place where cursors of earlier answers, and illegal pages, come in. */
export type PageSource = (draw: Draw, place: PagePlace) => PageDraw;

/** What pages a schema allows, in rows. */
export interface PageBounds {
  readonly defaultSize: number;
  readonly maxSize: number;
  readonly maxOffset: number;
}

/** Legal pages without a cursor: `first`, `last` or neither, `offset` where there is one. */
export function legalPages(bounds: PageBounds): PageSource {
  return (draw, { argumentNames, maxRows }) => {
    const none = { first: undefined, last: undefined, after: undefined, before: undefined };
    if (bounds.defaultSize <= maxRows && draw.chance(0.15))
      return { arguments: none, rows: bounds.defaultSize };
    const most = Math.min(bounds.maxSize, maxRows);
    const rows = draw.pickWeighted([
      [Math.min(most, draw.between(1, 6)), 8],
      [draw.between(0, most), 3],
      [most, 1],
      [0, 0.5],
    ]);
    if (draw.chance(0.3)) return { arguments: { ...none, offset: undefined, last: rows }, rows };
    const offset = draw.pick([undefined, null, 0, 1, draw.between(0, 30), draw.between(0, bounds.maxOffset)]);
    return { arguments: { ...none, first: rows, ...(argumentNames.has('offset') && { offset }) }, rows };
  };
}
