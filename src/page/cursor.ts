import { canonicalJson, type PlainData } from '../canonical-json.ts';
import { WeirError } from '../errors.ts';
import type { Seal } from '../seal.ts';

/** Plain data of a field's filter arguments. */
export type FilterValue = PlainData;

/**
 * Where a cursor is good: the field's coordinate (`Query.things`), its filter and its order. Equal filters give equal
 * scopes whatever the order of their members; a member that is undefined counts as absent.
 */
export function cursorScope(field: string, filter: FilterValue, order: string): string {
  return canonicalJson([field, filter ?? null, order]);
}

/**
 * The position in `cursor`, which came in the argument `argument` (`after`, `before`). Throws `INVALID_CURSOR`, with
 * one message whatever the fault; the fault itself is the error's cause.
 */
export function assertCursor(cursors: Seal, scope: string, cursor: string, argument: string): string {
  const opened = cursors.open(scope, cursor);
  if (opened.ok) return opened.text;
  throw new WeirError('INVALID_CURSOR', {
    message:
      `Argument "${argument}": expected a cursor that this field gave for the same filter and order, ` +
      `got ${excerpt(cursor)}. Take it from "cursor", "startCursor" or "endCursor" of such an answer, or leave it out.`,
    extensions: { argument },
    cause: opened.reason,
  });
}

/** Enough of what a client sent to find it again; quoted, because it is anyone's text. */
function excerpt(text: string): string {
  const shown = text.length > 24 ? `${text.slice(0, 24)}…` : text;
  return `${JSON.stringify(shown)} (${text.length} characters)`;
}
