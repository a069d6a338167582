import { WeirError } from '../src/index.ts';

/** A member that the upstream's contract promises; a message without it is the upstream's fault. */
export function required<Value>(value: Value | undefined, member: string): Value {
  if (value !== undefined) return value;
  throw new WeirError('INTERNAL_SERVER_ERROR', { cause: new Error(`The upstream left out "${member}".`) });
}
