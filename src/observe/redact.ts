/** What stands in the log in place of a secret. */
export const redacted = '[redacted]';

/** Names under which secrets travel, in any case: headers, metadata, tokens, keys and what ends like them. */
const secretName =
  /(?:authorization|cookie|token|password|secrets?|credentials?|idempotency[-_]?key|api[-_]?key)$/i;
/**
 * Tokens and passwords within text: RFC 6750 bearer tokens, JWTs (RFC 7519), `user:password@` of URLs (RFC 3986).
 * Each part begins where the one before cannot go on, so that no text costs more than its length.
 */
const secretText =
  /\bBearer +[\w.~+/-]{16,}=*|(?<![\w-])eyJ[\w-]{6,}\.[\w-]+\.[\w-]*|(?<=:\/\/)[^\s/:@"]{0,256}:[^\s/@"]{1,256}(?=@)/gi;
const maxDepth = 8;
const maxEntries = 200;
const cut = '[cut]';

/**
 * A copy for the log of what is to be logged: values under the names of secrets are replaced, at any depth and in any
 * case, after `toJSON`, which hides them from pino's own redaction. Errors show their type, message, code, stack and
 * causes only, for libraries hang whole requests onto them. 8 levels, 200 entries each; what is beyond is cut.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return cut;
  if (value instanceof Error) return describeError(value, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((entry) => redact(entry, depth + 1));
  const copy: Record<string, unknown> = {};
  let entries = 0;
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    entries += 1;
    if (entries > maxEntries) return copy;
    const entry = (value as Record<string, unknown>)[name]; // as: its own name was found just above
    copy[name] = secretName.test(name) ? redacted : redact(entry, depth + 1);
  }
  return copy;
}

/** A line of the log without the tokens and passwords that stand in its text. */
export function redactText(line: string): string {
  return line.replace(secretText, redacted);
}

function describeError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message,
    ...('code' in error && isPlain(error.code) ? { code: error.code } : {}),
    stack,
    ...(cause === undefined ? {} : { cause: redact(cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: redact(error.errors, depth + 1) } : {}),
  };
}

function isPlain(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
