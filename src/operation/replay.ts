import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { WeirError } from '../errors.ts';
import type { StoredAnswer } from '../idempotency/stored-answer.ts';

/**
 * The answer that {@link answerText} wrote, equal to it character by character when it is sent. Throws
 * `IDEMPOTENCY_ANSWER_TOO_LARGE` for one that was not kept whole.
 */
export function replay(answer: StoredAnswer): ExecutionResult {
  if (answer.kind === 'digest') {
    const { bytes, sha256 } = answer;
    throw new WeirError('IDEMPOTENCY_ANSWER_TOO_LARGE', {
      extensions: { answerBytes: bytes, answerSha256: sha256 },
    });
  }
  const result = JSON.parse(answer.text) as StoredResult; // as: nobody else writes it
  // In the place that it has: members keep their order.
  return Object.assign(result, result.errors && { errors: result.errors.map(errorFrom) });
}

/** The JSON text of an answer with public errors: what a client is sent. */
export function answerText(answer: ExecutionResult): string {
  return JSON.stringify(answer);
}

type StoredResult = Omit<ExecutionResult, 'errors'> & { readonly errors?: readonly GraphQLFormattedError[] };

/** Transports take errors for their own only as this class; places are those of the document that was sent first. */
function errorFrom({ message, path, extensions, locations }: GraphQLFormattedError): GraphQLError {
  const error = new GraphQLError(message, { path, extensions });
  return locations ? Object.assign(error, { locations }) : error;
}
