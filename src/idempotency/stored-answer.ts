import { hash } from 'node:crypto';

/** The answer to a key: its JSON text, or, when that is longer than is kept, what identifies it. */
export type StoredAnswer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'digest'; readonly sha256: string; readonly bytes: number };

/** Longest answer that is kept, in bytes of UTF-8. */
export const answerMaxBytes = 256 * 1024;

/** The answer as it is kept. */
export function storedAnswerFrom(text: string): StoredAnswer {
  const bytes = Buffer.byteLength(text);
  return bytes <= answerMaxBytes
    ? { kind: 'text', text }
    : { kind: 'digest', sha256: hash('sha256', text), bytes };
}

/** One text for a store. */
export function encodeAnswer(answer: StoredAnswer): string {
  return answer.kind === 'text' ? `T${answer.text}` : `D${answer.bytes} ${answer.sha256}`;
}

/** What {@link encodeAnswer} wrote; throws for anything else. */
export function decodeAnswer(encoded: string): StoredAnswer {
  if (encoded.startsWith('T')) return { kind: 'text', text: encoded.slice(1) };
  const [, bytes, sha256] = /^D(\d+) ([0-9a-f]{64})$/.exec(encoded) ?? [];
  if (bytes !== undefined && sha256 !== undefined) return { kind: 'digest', sha256, bytes: Number(bytes) };
  throw new Error('The store of idempotency keys has an answer that nobody wrote.');
}
