import { isObject } from '../is-object.ts';

/** A GraphQL request whose members have the right types (GraphQL over HTTP, section 5.1). */
export interface StreamParameters {
  /** Empty for a request that names its document by `documentId` or `extensions`. */
  readonly query: string;
  /** GraphQL over HTTP, appendix A. */
  readonly documentId?: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown> | undefined;
  readonly extensions: Record<string, unknown> | undefined;
}

/** The parameters, or what is wrong with them. */
export type ParsedParameters =
  | { readonly ok: true; readonly parameters: StreamParameters }
  | { readonly ok: false; readonly fault: string };

/** Members of a request; null is as good as absent for all. */
const shapes = [
  ['query', 'string'],
  ['documentId', 'string'],
  ['operationName', 'string'],
  ['variables', 'object'],
  ['extensions', 'object'],
] as const;

/** Checks a parsed body or message. Unknown members are passed over: Apollo's link sends some of its own. */
export function parseParameters(value: unknown): ParsedParameters {
  if (!isObject(value)) return { ok: false, fault: 'Expected a GraphQL request as an object.' };
  for (const [name, shape] of shapes) {
    const member = value[name] ?? undefined;
    if (member === undefined) continue;
    const isFitting = shape === 'object' ? isObject(member) : typeof member === 'string';
    if (!isFitting) return { ok: false, fault: `Expected the member "${name}" to be of type ${shape}.` };
  }
  const { query, documentId, operationName, variables, extensions } = value;
  const isNamed = typeof documentId === 'string' || isObject(extensions);
  if (typeof query === 'string' ? query === '' && !isNamed : !isNamed)
    return { ok: false, fault: 'Expected a document as the member "query", or its id as "documentId".' };
  return {
    ok: true,
    parameters: {
      query: typeof query === 'string' ? query : '',
      ...(typeof documentId === 'string' && { documentId }),
      operationName: typeof operationName === 'string' ? operationName : undefined,
      variables: isObject(variables) ? variables : undefined,
      extensions: isObject(extensions) ? extensions : undefined,
    },
  };
}
