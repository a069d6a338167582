import { GraphQLError } from 'graphql';

type RefusalCode =
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'PAGE_SIZE'
  | 'INVALID_CURSOR'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN';

/** A refusal with the code that a client must read; the words are the engine's own affair. */
export function refusal(code: RefusalCode): GraphQLError {
  return new GraphQLError(code, { extensions: { code } });
}
