import { WeirError } from '../src/index.ts';

/** What was asked for by its id; throws `NOT_FOUND` in the same words whether there is none or it is not for who asks. */
export function found<Row>(row: Row | null): Row {
  if (row === null) throw new WeirError('NOT_FOUND');
  return row;
}
