/** Whether a value comes later: as graphql-js sees it, anything with a `then` to call. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
