const stringPattern = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * Whether some object of `json` (valid JSON, of which `value` is what JSON.parse made) names a member twice:
 * JSON.parse keeps the last in silence, other readers the first (RFC 8259 section 4, RFC 7519 section 4). Outside
 * strings a colon stands only behind a member's name, so colons count the members as written.
 */
export function hasRepeatedMembers(json: string, value: unknown): boolean {
  const bare = json.replace(stringPattern, '');
  return bare.split(':').length - 1 !== countMembers(value);
}

function countMembers(value: unknown): number {
  const waiting: unknown[] = [value];
  let count = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (!Array.isArray(next)) count += Object.keys(next).length;
    for (const inner of Object.values(next)) waiting.push(inner);
  }
  return count;
}
