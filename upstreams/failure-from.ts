import { status } from '@grpc/grpc-js';
import { Failure, failure } from './status.ts';

/** What Postgres and the socket may say that is not a defect of ours (PostgreSQL, appendix A; a class is two characters). */
const CODES: Readonly<Record<string, readonly [status, string]>> = {
  ECONNREFUSED: [status.UNAVAILABLE, 'The database cannot be reached.'],
  ECONNRESET: [status.UNAVAILABLE, 'The database cannot be reached.'],
  '08': [status.UNAVAILABLE, 'The database cannot be reached.'],
  '53': [status.UNAVAILABLE, 'The database has no room for another connection.'],
  '57': [status.UNAVAILABLE, 'The database is stopping.'],
  '57014': [status.DEADLINE_EXCEEDED, 'The database took too long.'],
  '40001': [status.ABORTED, 'Another change came between: try again.'],
  '40P01': [status.ABORTED, 'Another change came between: try again.'],
};

/** The answer to a call that threw. What nobody foresaw is INTERNAL without a word of it, and logged. */
export function failureFrom(error: unknown, signal: AbortSignal, log: (line: string) => void): Failure {
  if (error instanceof Failure) return error;
  if (signal.reason instanceof Failure) return signal.reason;
  if (signal.aborted) {
    const late = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    return late
      ? failure(status.DEADLINE_EXCEEDED, 'The deadline of the call has passed.')
      : failure(status.CANCELLED, 'The caller has left.');
  }
  const known = foreseen(error);
  if (known) return failure(...known);
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return failure(status.INTERNAL, 'Internal error.');
}

function foreseen(error: unknown): readonly [status, string] | undefined {
  if (!(error instanceof Error)) return undefined;
  // pg gives these no code (client.js, pg-pool index.js).
  if (/^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message))
    return CODES['08'];
  const code = 'code' in error ? String(error.code) : '';
  return CODES[code] ?? CODES[code.slice(0, 2)];
}
