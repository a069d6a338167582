import { WeirError } from '../errors.ts';

/** Name of the header that carries a key, and of the member of `extensions` and of inputs that does. */
export const keyNames = { header: 'Idempotency-Key', member: 'idempotencyKey' } as const;

/** Where an operation may have its key; whatever came there, unread. */
export interface KeySources {
  /** The header, as it came: bare, or a quoted String (RFC 9651 section 3.3.3). Several headers are joined by commas. */
  readonly header: string | undefined;
  /** `extensions.idempotencyKey`. */
  readonly extension: unknown;
  /** `idempotencyKey` of each mutation field that has it, as an argument or in an input. */
  readonly inputs: readonly unknown[];
}

/** 16 to 255 visible ASCII characters: short ones are guessed. */
const keyPattern = /^[\x21-\x7e]{16,255}$/;
/** RFC 9651 section 4.2.5; no parameters behind it. */
const quotedPattern = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * The one key of an operation, wherever it is given; undefined when there is none. Throws `IDEMPOTENCY_KEY_INVALID` for a
 * key that is none, and for two keys that differ. Null counts as absent, an empty text does not.
 */
export function keyFrom({ header, extension, inputs }: KeySources): string | undefined {
  const places: readonly (readonly [string, unknown])[] = [
    [`Header "${keyNames.header}"`, header === undefined ? undefined : unquoted(header)],
    [`Member "extensions.${keyNames.member}"`, extension],
    ...inputs.map((input) => [`Input "${keyNames.member}"`, input] as const),
  ];
  const given = places.filter(([, value]) => value !== undefined && value !== null);
  const keys = given.map(([place, value]) => assertKey(place, value));
  const [key, ...others] = keys;
  if (others.every((other) => other === key)) return key;
  const names = given.map(([place]) => place).join(', ');
  throw invalid(
    `${names}: expected one key for the whole operation, got ${new Set(keys).size}. Send each in an operation of its own.`,
  );
}

/** The text of a quoted header, or the header itself; a quote that nothing ends is kept, so that it is refused. */
function unquoted(header: string): string {
  if (!header.startsWith('"')) return header;
  const text = quotedPattern.exec(header)?.[1];
  return text === undefined ? '' : text.replace(/\\(.)/g, '$1');
}

function assertKey(place: string, value: unknown): string {
  if (typeof value === 'string' && keyPattern.test(value)) return value;
  const came = typeof value === 'string' ? `${value.length} characters` : typeof value;
  throw invalid(
    `${place}: expected 16 to 255 visible ASCII characters, bare or as one quoted text, got ${came}.`,
  );
}

function invalid(message: string): WeirError {
  return new WeirError('IDEMPOTENCY_KEY_INVALID', { message });
}
