import type { GraphQLError } from 'graphql';
import { WeirError } from '../../errors.ts';
import { graphqlError } from '../shape/refusal.ts';

/** The first `maxErrors` of an answer's errors and, where there were more, one TOO_MANY_ERRORS that says so. */
export function capErrors(errors: readonly GraphQLError[], maxErrors: number): readonly GraphQLError[] {
  if (errors.length <= maxErrors) return errors;
  const message = `There were more errors than the ${maxErrors} that are told. The option is limits.maxErrors.`;
  return [...errors.slice(0, maxErrors), graphqlError(new WeirError('TOO_MANY_ERRORS', { message }))];
}
