import { WeirError } from '../errors.ts';

/**
 * Milliseconds that an operation may take from the arrival of its request: what `Weir-Timeout-Ms` asks for, at most
 * `maxMs`, which is also the default. Throws `BAD_REQUEST` unless the header is a whole number from 1.
 */
export function timeoutFrom(header: string | undefined, maxMs: number): number {
  if (header === undefined) return maxMs;
  const timeoutMs = Number(header);
  if (/^\d{1,15}$/.test(header) && timeoutMs >= 1) return Math.min(timeoutMs, maxMs);
  throw new WeirError('BAD_REQUEST', {
    message: `Header "Weir-Timeout-Ms": expected a whole number of milliseconds from 1, got "${header.slice(0, 40)}".`,
  });
}
