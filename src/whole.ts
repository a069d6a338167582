import { z } from 'zod';

/** An option that is a whole number from `minimum` to `maximum`, both included, and `fallback` where it is left out. */
export function whole(minimum: number, maximum: number, fallback: number) {
  const error = `expected a whole number from ${minimum} to ${maximum}`;
  return z.int(error).min(minimum, error).max(maximum, error).default(fallback);
}
