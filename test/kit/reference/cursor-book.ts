/** What a cursor means: behind which row of which list it stands. */
export interface CursorMeaning {
  /** The connection's coordinate: `Query.products`. */
  readonly list: string;
  /** What chooses and orders its rows, in one spelling: arguments of a root field, or the parent's id. */
  readonly scope: Readonly<Record<string, unknown>>;
  /** The row's id. */
  readonly key: string;
}

/**
 * Cursors cannot be predicted, as they are signed. So the reference writes their meaning, and this book learns from each pair
 * of answers which cursor means what: one meaning has one cursor, and one cursor has one meaning, for good.
 */
export interface CursorBook {
  /** What a cursor of an earlier answer means; undefined for any other text. */
  readonly meaningOf: (cursor: string) => CursorMeaning | undefined;
  /** Notes a pair; false when it contradicts what is known. */
  readonly learn: (cursor: string, meaning: string) => boolean;
  /** Known lists of a connection, each with some of its cursors. */
  readonly known: (list: string) => readonly KnownList[];
  readonly size: () => number;
}

/** Cursors of one list, for a generator to choose from. */
export interface KnownList {
  readonly scope: Readonly<Record<string, unknown>>;
  readonly cursors: string[];
}

const mark = '\u0000cursor ';
const mostCursorsOfList = 100;

/** A cursor as the reference writes it: no text of the shop looks like this. */
export function writeMeaning({ list, scope, key }: CursorMeaning): string {
  return mark + JSON.stringify({ list, scope, key });
}

export function isMeaning(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(mark);
}

export function createCursorBook(): CursorBook {
  const meanings = new Map<string, string>();
  const cursors = new Map<string, string>();
  const lists = new Map<string, Map<string, KnownList>>();

  const note = (cursor: string, { list, scope }: CursorMeaning) => {
    const ofList = lists.get(list) ?? new Map<string, KnownList>();
    const known = ofList.get(JSON.stringify(scope)) ?? { scope, cursors: [] };
    if (known.cursors.length < mostCursorsOfList) known.cursors.push(cursor);
    ofList.set(JSON.stringify(scope), known);
    lists.set(list, ofList);
  };

  return {
    meaningOf: (cursor) => {
      const meaning = meanings.get(cursor);
      return meaning === undefined ? undefined : readMeaning(meaning);
    },
    learn: (cursor, meaning) => {
      if (!meanings.has(cursor) && !cursors.has(meaning)) {
        meanings.set(cursor, meaning);
        cursors.set(meaning, cursor);
        note(cursor, readMeaning(meaning));
      }
      return meanings.get(cursor) === meaning && cursors.get(meaning) === cursor;
    },
    known: (list) => [...(lists.get(list)?.values() ?? [])],
    size: () => meanings.size,
  };
}

function readMeaning(meaning: string): CursorMeaning {
  return JSON.parse(meaning.slice(mark.length));
}
