/** Longest text of a client or a token in the log and in metrics, in UTF-16 units. */
export const maxTextLength = 100;

/** The names of almost everybody, which need no closer look. */
const plainText = /^[\w.:|@-]{1,100}$/;
/** Controls, marks that reverse or hide text, line and paragraph separators, halves of surrogate pairs. */
const unreadable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text of a client as people can read it, without control characters and at most {@link maxTextLength} long. */
export function readableText(text: string): string {
  if (plainText.test(text)) return text;
  // Cut before and after: escapes are longer than what they stand for.
  return text.slice(0, maxTextLength).replace(unreadable, escapeText).slice(0, maxTextLength);
}

function escapeText(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
