/** Objects that were answered, counted while an operation ran. */
export interface Tally {
  /** Whether they were counted at all. */
  readonly isCounted: boolean;
  /**
   * Places with the number of objects there. A place is the response names from the root joined by `.`, a space, and
   * the object type: `shelf.books Book`; the root is ` Query`.
   */
  entries(): Iterable<readonly [string, number]>;
}
