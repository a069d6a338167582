/** Options as they are given, which nobody has looked at. */
export type Options = Record<string, unknown>;

/** Whether a value has options at all. */
export function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The options of a value; none of what has none. */
export function optionsOf(value: unknown): Options {
  return isOptions(value) ? value : {};
}
