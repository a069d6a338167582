import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { type ErrorCode, errorTable, WeirError } from '../errors.ts';

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
  if (!(thrown instanceof GraphQLError)) return fromOrigin(thrown, undefined, requestId);
  const innermost = innermostOf(thrown);
  const origin = innermost.originalError;
  if (!(origin instanceof WeirError) && isRefusal(thrown, innermost))
    return { error: refusalFrom(thrown, innermost.extensions), fault: undefined };
  return fromOrigin(origin ?? innermost, thrown, requestId);
}

function fromOrigin(origin: unknown, located: GraphQLError | undefined, requestId: string): PublicError {
  const fault = WeirError.from(origin);
  const { code, message, extensions } = fault;
  const error =
    code === 'INTERNAL_SERVER_ERROR'
      ? coded({ ...placeOf(located), message: errorTable[code].message }, code, { requestId })
      : coded({ ...placeOf(located), message }, code, extensions);
  return { error, fault: errorTable[code].httpStatus >= 500 ? fault : undefined };
}

/** Errors are wrapped where a path or a variable's name is added to them. */
function innermostOf(error: GraphQLError): GraphQLError {
  return error.originalError instanceof GraphQLError ? innermostOf(error.originalError) : error;
}

/**
 * Whether the client caused it, told by where graphql-js puts things. Before execution an error has no path: it is about
 * the document or an input value, and names its nodes where something threw it. During execution only what is about an
 * argument is the client's doing; the rest is about a resolver's result, so its message may quote what came from
 * upstream. A resolver's GraphQLError passes when it has a code of the table.
 */
function isRefusal(error: GraphQLError, innermost: GraphQLError): boolean {
  if (isErrorCode(innermost.extensions['code'])) return true;
  if (error.path === undefined) return error.nodes !== undefined || innermost.originalError === undefined;
  const isOfArgument = innermost.nodes !== undefined && innermost.message.startsWith('Argument "');
  return isOfArgument && innermost.originalError === undefined;
}

/** GraphQL's own errors have no code; those of the layers around it have codes of their own, which stay inside. */
function refusalFrom(error: GraphQLError, extensions: GraphQLErrorExtensions): GraphQLError {
  const { code } = extensions;
  if (isErrorCode(code)) return coded(error, code, extensions);
  return coded(error, code === undefined ? 'BAD_USER_INPUT' : 'BAD_REQUEST', {});
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code);
}

type Place = Pick<GraphQLError, 'nodes' | 'source' | 'positions' | 'path'>;

function placeOf(error: GraphQLError | undefined): Partial<Place> {
  return error
    ? { nodes: error.nodes, source: error.source, positions: error.positions, path: error.path }
    : {};
}

function coded(
  { message, nodes, source, positions, path }: Partial<Place> & { readonly message: string },
  code: ErrorCode,
  extensions: Readonly<Record<string, unknown>>,
): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { ...extensions, code } });
}
