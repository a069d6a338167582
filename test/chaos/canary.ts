/** Stands in every private part of a failure; no client may ever read it, in any spelling. */
export const canary = 'CANARY-7f3a9c51';

/** The canary in base64 behind 0, 1 and 2 other bytes, without the characters that its neighbours decide. */
const encoded = [0, 1, 2].map((offset) => {
  const text = Buffer.from(`${'.'.repeat(offset)}${canary}`)
    .toString('base64')
    .replace(/=+$/, '');
  return text.slice(offset === 0 ? 0 : offset + 1, -1);
});
const hex = Buffer.from(canary).toString('hex');

/** Where a text has the canary: the spellings that were found. */
export function canariesIn(text: string): readonly string[] {
  const spellings = [canary.toLowerCase(), hex];
  return [
    ...spellings.filter((spelling) => text.toLowerCase().includes(spelling)),
    ...encoded.filter((spelling) => text.includes(spelling)),
  ];
}
