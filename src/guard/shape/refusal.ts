import { GraphQLError } from 'graphql';
import { WeirError } from '../../errors.ts';
import { type ShapeLimitName, shapeLimits } from './limits.ts';

/** The refusal of what goes beyond a bound: `extensions.maximum` is the bound. */
export function shapeError(name: ShapeLimitName, maximum: number): WeirError {
  const { code, unit } = shapeLimits[name];
  const message = `Expected at most ${maximum} ${unit}, got more. The option is limits.${name}.`;
  return new WeirError(code, { message, extensions: { maximum } });
}

/** A WeirError as the stages of Envelop pass errors on: every transport knows what to do with a GraphQLError. */
export function graphqlError(originalError: WeirError): GraphQLError {
  const { message, code, extensions } = originalError;
  return new GraphQLError(message, { originalError, extensions: { ...extensions, code } });
}
