import type { ShapeLimits } from './limits.ts';

/** The bounds of a request's JSON. */
export type JsonLimits = Pick<ShapeLimits, 'jsonMaxDepth' | 'jsonMaxMembers'>;

const quote = 0x22;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * The first bound that a JSON text goes beyond, before `JSON.parse` makes anything of it: how deep arrays and objects
 * nest, a value that stands alone being 1 if it is one of them, and how many there are of them and of the members of
 * objects: 70,000 names in 1 MB cost it 80 ms. One pass; text that is no JSON gets some answer.
 */
export function excessOfJson(text: string, limits: JsonLimits): keyof JsonLimits | undefined {
  let depth = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === colon) members += 1;
    else if (code === closeBracket || code === closeBrace) depth -= 1;
    else if (code === openBracket || code === openBrace) {
      depth += 1;
      members += 1;
    }
    if (depth > limits.jsonMaxDepth) return 'jsonMaxDepth';
    if (members > limits.jsonMaxMembers) return 'jsonMaxMembers';
  }
  return undefined;
}

/** The quote that ends the string which begins at `start`: one behind an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
