/** What a code-first schema says of an element that is to be removed. Dates are days, `YYYY-MM-DD`, that begin at 00:00 UTC. */
export interface Deprecation {
  /** What to use instead, in a sentence. */
  readonly reason: string;
  /** Since when it is deprecated; may lie ahead. */
  readonly since: string;
  /** From when on it may be gone. */
  readonly removal: string;
}

/** When an element is deprecated and removed, in wall milliseconds; undefined for what nobody wrote down. */
export interface DeprecationDates {
  readonly sinceMs: number | undefined;
  readonly removalMs: number | undefined;
}

const sincePattern = /\bdeprecated since (\S+?)(?=[.,;:)]*(?:\s|$))/i;
const removalPattern = /\bremoved after (\S+?)(?=[.,;:)]*(?:\s|$))/i;

/**
 * The reason with its dates as `@deprecated(reason:)` carries them: the one place where they are kept, so that clients, their
 * tools and every projection of a schema have them too. Checks nothing: see {@link reasonFaults}.
 */
export function reasonFrom({ reason, since, removal }: Deprecation): string {
  const sentence = `${reason ?? ''}`.trim();
  const stop = sentence === '' || /[.!?]$/.test(sentence) ? '' : '.';
  return `${sentence}${stop} Deprecated since ${since}. Removed after ${removal}.`.trim();
}

/** The dates in a reason, whoever wrote it. */
export function datesFrom(reason: string): DeprecationDates {
  return {
    sinceMs: dayMs(sincePattern.exec(reason)?.[1]),
    removalMs: dayMs(removalPattern.exec(reason)?.[1]),
  };
}

/** What is wrong with a reason, a sentence for each fault: both dates must be there, and the removal not before the other. */
export function reasonFaults(reason: string): readonly string[] {
  const dates = [
    { name: 'since', pattern: sincePattern },
    { name: 'removal', pattern: removalPattern },
  ] as const;
  const faults = dates.flatMap(({ name, pattern }) => {
    const text = pattern.exec(reason)?.[1];
    if (text !== undefined && dayMs(text) !== undefined) return [];
    return [`expected "${name}" to be a day such as 2027-03-01, got ${text ?? 'none'}`];
  });
  if (reason.search(sincePattern) === 0) faults.push('expected a "reason": what to use instead');
  const { sinceMs = 0, removalMs = sinceMs } = datesFrom(reason);
  if (removalMs < sinceMs) faults.push('expected "removal" to be no earlier than "since"');
  return faults;
}

/** A day as it is written in a reason. */
export function dayText(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

/** Date takes 31 February for a day in March. */
function dayMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const wallMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(wallMs) || dayText(wallMs) !== text ? undefined : wallMs;
}
