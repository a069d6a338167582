/** What has one text: plain data, whose text says everything about it. */
export type PlainData =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly PlainData[]
  | { readonly [name: string]: PlainData };

/**
 * One text per value: equal plain data gives equal text whatever the order of its members, and different data gives
 * different text (`1n` is not `1` nor `"1"`; a member that is undefined counts as absent). After RFC 8785.
 * Throws TypeError for anything that is not {@link PlainData}: two Maps would both read `{}`, and whoever asks with
 * the one would get what belongs to the other.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'undefined':
      return 'undefined';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
      if (isPlain(value)) return canonicalObject(value);
      throw refusal(value.constructor.name);
    case 'function':
    case 'symbol':
      throw refusal(typeof value);
  }
}

function canonicalObject(value: object): string {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join()}}`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function refusal(came: string): TypeError {
  return new TypeError(
    `Expected plain data (text, numbers, booleans, null, arrays, plain objects), got a ${came}.`,
  );
}
