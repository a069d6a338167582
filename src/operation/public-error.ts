import { GraphQLError } from 'graphql';
import { errorTable, WeirError } from '../errors.ts';

/** An error as a client may see it, with what the log should know of it. */
export interface PublicError {
  readonly error: GraphQLError;
  /** What went wrong inside, where something did; undefined for a refusal that the client caused. */
  readonly fault: WeirError | undefined;
}

/**
 * Converts anything that an operation ended with into an error of the closed table. GraphQL's own refusals keep their
 * message; a WeirError gives its code, message and extensions; everything else is masked with the request id.
 */
export function publicError(thrown: unknown, requestId: string): PublicError {
  const located = thrown instanceof GraphQLError ? thrown : undefined;
  const origin = located ? originOf(located) : thrown;
  if (origin === undefined && located) return { error: withCode(located), fault: undefined };
  const fault = WeirError.from(origin);
  const masked = fault.code === 'INTERNAL_SERVER_ERROR';
  const error = new GraphQLError(masked ? errorTable[fault.code].message : fault.message, {
    ...(located?.nodes ? { nodes: located.nodes } : {}),
    ...(located?.path ? { path: located.path } : {}),
    extensions: masked ? { code: fault.code, requestId } : { ...fault.extensions, code: fault.code },
  });
  return { error, fault: errorTable[fault.code].httpStatus >= 500 ? fault : undefined };
}

/** What a resolver threw: undefined when GraphQL itself made the error. */
function originOf(error: GraphQLError): unknown {
  const origin = error.originalError;
  return origin instanceof GraphQLError ? originOf(origin) : origin;
}

/** GraphQL's own errors carry no code, except those to which Yoga gave one. */
function withCode(error: GraphQLError): GraphQLError {
  if (typeof error.extensions['code'] === 'string') return error;
  error.extensions['code'] = 'BAD_USER_INPUT';
  return error;
}
