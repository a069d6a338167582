import { WeirError } from '../errors.ts';
import { isObject } from '../is-object.ts';

/** A subscription whose position a request asks for. */
export interface CursorRequest {
  /** Empty where it is named by its id. */
  readonly query: string;
  readonly documentId: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** Types of its members, by `typeof`; null is as good as absent. */
const shapes = [
  ['query', 'string'],
  ['documentId', 'string'],
  ['operationName', 'string'],
  ['variables', 'object'],
] as const;

/**
 * What `extensions.cursor` of a request asks for, however its transport carried it; undefined where it asks for nothing.
 * Throws `BAD_REQUEST` for what is no GraphQL request.
 */
export function cursorRequestFrom(contextValue: unknown): CursorRequest | undefined {
  const { params } = contextValue as { params?: { extensions?: { cursor?: unknown } | null } }; // as: of the transport
  const asked = params?.extensions?.cursor;
  if (asked === undefined || asked === null) return undefined;
  if (!isObject(asked)) throw malformed('a subscription as an object with the member "query"', asked);
  for (const [name, type] of shapes) {
    const member = asked[name] ?? undefined;
    const isMissing = member === undefined && name === 'query' && typeof asked['documentId'] !== 'string';
    if (isMissing || (member !== undefined && !isOfType(member, type)))
      throw malformed(`its member "${name}" to be of type ${type}`, member);
  }
  const { query, documentId, operationName, variables } = asked;
  return {
    query: typeof query === 'string' ? query : '',
    documentId: typeof documentId === 'string' ? documentId : undefined,
    operationName: typeof operationName === 'string' ? operationName : undefined,
    variables: isObject(variables) ? variables : undefined,
  };
}

function isOfType(member: unknown, type: 'string' | 'object'): boolean {
  return type === 'object' ? isObject(member) : typeof member === type;
}

function malformed(expected: string, got: unknown): WeirError {
  const came = Array.isArray(got) ? 'a list' : typeof got;
  return new WeirError('BAD_REQUEST', {
    message: `Request "extensions.cursor": expected ${expected}, got ${came}.`,
  });
}
