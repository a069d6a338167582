import { hash } from 'node:crypto';

/** Any printable ASCII: Relay, Apollo and build tools of one's own may make ids of many forms. */
const idPattern = /^[\x21-\x7e]{1,256}$/;

/** How ids are named that say what they are a digest of. */
const sha256Prefix = 'sha256:';

/** Digests that tools use as ids, by what they look like: client preset and Apollo SHA-256, Relay MD5 unless told otherwise. */
const digests: readonly (readonly [pattern: RegExp, algorithm: string])[] = [
  [/^(?:sha256:)?[0-9a-f]{64}$/, 'sha256'],
  [/^[0-9a-f]{40}$/, 'sha1'],
  [/^[0-9a-f]{32}$/, 'md5'],
];

/** The id of a document by its text: `sha256:` and 64 lower-case hexadecimal digits (GraphQL over HTTP, appendix A). */
export function documentIdOf(text: string): string {
  return sha256Prefix + hash('sha256', text);
}

/** One form for the ids that mean the same: a bare SHA-256, as Apollo sends it, is the one with its prefix. */
export function canonicalId(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? sha256Prefix + id : id;
}

/** What is wrong with an id for a text, or undefined: one that looks like a digest must be that of the text. */
export function idFault(id: string, text: string): string | undefined {
  if (!idPattern.test(id)) return 'expected an id of 1 to 256 printable characters without spaces';
  if (id.startsWith(sha256Prefix) && !digests[0]?.[0].test(id))
    return 'expected 64 lower-case hexadecimal digits behind "sha256:"';
  const algorithm = digests.find(([pattern]) => pattern.test(id))?.[1];
  if (algorithm === undefined) return undefined;
  const digest = hash(algorithm, text);
  return id.endsWith(digest) ? undefined : `expected the ${algorithm} of its text, which is ${digest}`;
}
