/** Objects that were answered, counted while an operation ran. */
export interface Tally {
  /** Whether they were counted at all. */
  readonly isCounted: boolean;
  /**
   * Places with the number of objects there. A place is the response names from the root joined by `.`, a space, and
   * the object type: `orders.edges.node Order`; the root is ` Query`.
   */
  entries(): Iterable<readonly [string, number]>;
}
