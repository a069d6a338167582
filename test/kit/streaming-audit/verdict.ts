/** The rule is broken: what was expected, and what came. */
export class AuditFailure extends Error {
  readonly expected: string;
  readonly came: string;

  constructor(expected: string, came: string) {
    super(`expected ${expected}; came ${came}`);
    this.expected = expected;
    this.came = came;
  }
}

/** The rule cannot be looked at on this server, for the reason of its message. */
export class AuditSkip extends Error {}

/** Throws an {@link AuditFailure} unless `holds`. */
export function expectThat(holds: boolean, expected: string, came: unknown): asserts holds {
  if (!holds) throw new AuditFailure(expected, excerptOf(came));
}

const excerptLength = 300;

/** Enough of anything to see what it is. */
export function excerptOf(value: unknown): string {
  const isPlain = typeof value === 'string' && !/[\r\n]/.test(value);
  const text = isPlain ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > excerptLength ? `${text.slice(0, excerptLength)}…` : text;
}
