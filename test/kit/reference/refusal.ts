import { GraphQLError } from 'graphql';

/** A refusal with the code that a client must read; the words are the engine's own affair. */
export function refusal(code: 'BAD_USER_INPUT' | 'PAGE_SIZE' | 'INVALID_CURSOR'): GraphQLError {
  return new GraphQLError(code, { extensions: { code } });
}
