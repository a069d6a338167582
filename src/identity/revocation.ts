import { isName, maxNameLength } from './token-claims.ts';

/** Whose tokens are meant: those of which every member that is not null says the same. At least one is not null. */
export interface RevocationFilter {
  readonly subject: string | null;
  readonly tenant: string | null;
  readonly client: string | null;
}

/** What refuses every token that its filter meets and that was issued up to `atSeconds`. */
export interface Revocation extends RevocationFilter {
  /** When it was made, in Unix seconds: a token with a later `iat` is good. */
  readonly atSeconds: number;
  /** When the last token that it can meet has expired, in Unix seconds: until then it is kept. */
  readonly untilSeconds: number;
}

/** A filter, or what is wrong with it. */
export type ParsedFilter =
  | { readonly ok: true; readonly filter: RevocationFilter }
  | { readonly ok: false; readonly fault: string };

/** The members of a filter, in the order of its key. */
const members = ['subject', 'tenant', 'client'] as const;
const expected = `expected a JSON object with at least one of ${members.map((name) => `"${name}"`).join(', ')}`;

/** The filter in JSON of the same form, whose members may be left out; a member that is none of it is a fault. */
export function parseRevocationFilter(value: unknown): ParsedFilter {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { ok: false, fault: `${expected}, got ${kindOf(value)}` };
  const given = Object.entries(value);
  const foreign = given.find(([name]) => !members.some((known) => known === name));
  if (foreign) return { ok: false, fault: `${expected}, got the member ${shown(foreign[0])}` };
  const named = given.filter(([, member]) => member !== null);
  if (named.length === 0) return { ok: false, fault: `${expected}, got none of them` };
  const wrong = named.find(([, member]) => !isName(member));
  if (wrong) {
    const [name, member] = wrong;
    const form = `1 to ${maxNameLength} characters (percent-encoded), none of them a control character`;
    return { ok: false, fault: `${name}: expected text of ${form}, got ${kindOf(member)}` };
  }
  const filter = { subject: null, tenant: null, client: null, ...Object.fromEntries(named) };
  return { ok: true, filter };
}

/** A text that no other filter has: names are never empty and hold no line break. */
export function keyFromFilter({ subject, tenant, client }: RevocationFilter): string {
  return `${subject ?? ''}\n${tenant ?? ''}\n${client ?? ''}`;
}

/** The filter of a key; undefined for a text that is none. */
export function filterFromKey(key: string): RevocationFilter | undefined {
  const parts = key.split('\n');
  if (parts.length !== members.length) return undefined;
  const parsed = parseRevocationFilter(
    Object.fromEntries(members.map((name, index) => [name, parts[index] || null])),
  );
  return parsed.ok ? parsed.filter : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? `text of ${value.length} characters` : `a value of type ${typeof value}`;
}

/** What came, short and without control characters. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}
