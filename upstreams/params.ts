/** Collects the values of one SQL statement: gives the placeholder to write in their place. */
export type Bind = (value: unknown) => string;

/** The values of one SQL statement, in the order of their placeholders. */
export interface Params {
  readonly bind: Bind;
  readonly values: unknown[];
}

/** No values yet. `bind(7)` answers `$1`, the next one `$2`. */
export function createParams(): Params {
  const values: unknown[] = [];
  return { values, bind: (value) => `$${values.push(value)}` };
}
