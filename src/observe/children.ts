/** The value of every label of what came after a metric had all the label sets that it may have. */
export const otherLabel = 'other';

/** The child of a metric for the values of its labels, at most three. */
export type Children<Child> = (first: string, second?: string, third?: string) => Child;

/**
 * Children made by `make` when first asked for and kept, so that an update needs one lookup. Past `maxChildren` (1 or
 * more) label sets, whatever is new shares the one child whose labels are all `other`: a scrape has a bound.
 */
export function createChildren<Child>(
  maxChildren: number,
  make: (first: string, second: string, third: string) => Child,
): Children<Child> {
  const byValues = new Map<string, Child>();
  let other: Child | undefined;
  return (first, second = '', third = '') => {
    // No label value has a line break: names of loaders, upstreams, methods and codes.
    const key = `${first}\n${second}\n${third}`;
    const known = byValues.get(key);
    if (known !== undefined) return known;
    if (byValues.size >= maxChildren) {
      other ??= make(otherLabel, otherLabel, otherLabel);
      return other;
    }
    const made = make(first, second, third);
    byValues.set(key, made);
    return made;
  };
}
