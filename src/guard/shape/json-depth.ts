const quote = 0x22;
const backslash = 0x5c;

/**
 * Whether arrays and objects nest deeper than `maxDepth` in a JSON text, a value that stands alone being 1 if it is one of
 * them. One pass that stops where it is too deep, before `JSON.parse` makes anything of it. Text that is no JSON gets
 * some answer.
 */
export function isDeeperJson(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b)
      depth += 1; // [ {
    else if (code === 0x5d || code === 0x7d) depth -= 1; // ] }
    if (depth > maxDepth) return true;
  }
  return false;
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
