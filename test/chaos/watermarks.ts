/** What a mark stands in. A profile is for everybody to see; the rest is its owner's alone. */
const publicKinds: ReadonlySet<string> = new Set(['name', 'biography']);

/** Marks look like `wm3note17`: the owner's number, what it stands in, and anything that makes it one of many. */
const markPattern = /wm(\d+)([a-z]+)/g;

/** Who asked, and whose profiles the operation asked for. Number 0 is nobody. */
export interface Asker {
  readonly owner: number;
  readonly profilesOf: ReadonlySet<number>;
}

/** A mark of an owner: it matches nothing else of the shop. */
export function markOf(owner: number, kind: string, suffix: number | string = ''): string {
  return `wm${owner}${kind}${suffix}`;
}

/** The marks of a text that its asker must not see. */
export function foreignMarks(text: string, { owner, profilesOf }: Asker): readonly string[] {
  const found: string[] = [];
  for (const [mark, number, kind = ''] of text.matchAll(markPattern)) {
    const index = Number(number);
    const isAllowed = index === owner || (publicKinds.has(kind) && profilesOf.has(index));
    if (!isAllowed) found.push(mark);
  }
  return found;
}

/** Whether a text has a mark of an owner. */
export function hasMarkOf(text: string, owner: number): boolean {
  return new RegExp(`wm${owner}[a-z]`).test(text);
}
