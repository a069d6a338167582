import { WeirError } from '../errors.ts';

/** Longest global id in characters that is read or made. */
export const maxNodeIdLength = 256;

/** A GraphQL Name (GraphQL specification, section 2.1.9). */
const namePattern = /^[_A-Za-z][_0-9A-Za-z]*$/;

/** A Name, a colon, and an id that may be any text but none. */
const nodePattern = /^([_A-Za-z][_0-9A-Za-z]*):(.+)$/s;

/** What a global id stands for, or why it stands for nothing. */
export type ParsedNodeId =
  | { readonly ok: true; readonly typename: string; readonly id: string }
  | { readonly ok: false; readonly error: WeirError };

/**
 * The global id of an object (GraphQL Global Object Identification): base64url of `Typename:id`.
 * Throws RangeError when `parseNodeId` would not read the same again: a type name that is no GraphQL Name, an empty
 * id, text that is not well formed, or more than 256 characters in all.
 */
export function encodeNodeId(typename: string, id: string): string {
  const text = `${typename}:${id}`;
  const nodeId = Buffer.from(text, 'utf8').toString('base64url');
  const isReadable = namePattern.test(typename) && id !== '' && id.isWellFormed();
  if (isReadable && nodeId.length <= maxNodeIdLength) return nodeId;
  throw new RangeError(
    `Global id: expected a type name and an id of at most ${maxNodeIdLength} characters in all, got ${JSON.stringify(text.slice(0, maxNodeIdLength))}.`,
  );
}

/** Reads what `encodeNodeId` makes and nothing else: any other text, or another spelling, is `BAD_USER_INPUT`. */
export function parseNodeId(nodeId: string): ParsedNodeId {
  if (nodeId.length > maxNodeIdLength) return refused(`${nodeId.length} characters`);
  const text = Buffer.from(nodeId, 'base64url').toString('utf8');
  const [, typename, id] = nodePattern.exec(text) ?? [];
  // Encoding again refuses what decoding forgives: foreign characters, padding, spare bits, text that is not UTF-8.
  const canonical = Buffer.from(text, 'utf8').toString('base64url') === nodeId;
  if (typename === undefined || id === undefined || !canonical) return refused(JSON.stringify(nodeId));
  return { ok: true, typename, id };
}

/**
 * The id inside `nodeId` when it is one of `expectedTypename`; throws `BAD_USER_INPUT` otherwise, with a field violation
 * when `path` says where the id stands in the field's arguments.
 */
export function assertNodeId(
  nodeId: string,
  expectedTypename: string,
  path?: readonly (string | number)[],
): string {
  const parsed = parseNodeId(nodeId);
  if (parsed.ok && parsed.typename === expectedTypename) return parsed.id;
  const message = parsed.ok
    ? `Expected an id of ${expectedTypename}, got an id of ${parsed.typename}. Use the "id" of a ${expectedTypename}.`
    : parsed.error.message;
  const fieldViolations = [{ path, description: message }];
  throw new WeirError('BAD_USER_INPUT', { message, extensions: path ? { fieldViolations } : {} });
}

function refused(came: string): ParsedNodeId {
  const message =
    `Expected a global id of at most ${maxNodeIdLength} characters, got ${came}. ` +
    'Use the "id" field of an object that this API gave.';
  return { ok: false, error: new WeirError('BAD_USER_INPUT', { message }) };
}
