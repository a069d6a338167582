import { datesFrom } from './reason.ts';

/** Headers of an answer that was made with something deprecated. */
const names = {
  /** RFC 9745, section 2.1: since when, as a date of structured fields (RFC 9651, section 3.3.7). */
  deprecation: 'deprecation',
  /** RFC 8594, section 3: from when on it may be gone, as an HTTP-date. */
  sunset: 'sunset',
  /** RFC 9745, section 3: where people can read about it. */
  link: 'link',
} as const satisfies Readonly<Record<string, string>>;

/**
 * `Deprecation` with the earliest date of all reasons, `Sunset` with the earliest removal, and `Link` to `url` if it is not
 * ''. A header whose date no reason tells is left out.
 */
export function deprecationHeaders(
  reasons: readonly string[],
  url: string,
): Readonly<Record<string, string>> {
  const dates = reasons.map(datesFrom);
  const sinceMs = earliest(dates.map((date) => date.sinceMs));
  const removalMs = earliest(dates.map((date) => date.removalMs));
  return {
    ...(sinceMs !== undefined && { [names.deprecation]: `@${sinceMs / 1000}` }),
    ...(removalMs !== undefined && { [names.sunset]: new Date(removalMs).toUTCString() }),
    ...(url !== '' && { [names.link]: `<${url}>; rel="deprecation"` }),
  };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
