import { invalidArgument } from './status.ts';

/** For each field of a message, by its proto name, the SQL columns that it is made of. */
export type MaskColumns<Field extends string> = Readonly<Record<Field, readonly string[]>>;

/** What to read. */
export interface Selection<Field extends string> {
  /** Fields to fill. */
  readonly fields: ReadonlySet<Field>;
  /** SQL columns to select, each once. */
  readonly columns: readonly string[];
}

/**
 * What a read mask asks for. An empty or absent mask, and `*`, ask for everything; `id` is always part of it; a nested path
 * (`price.units`) stands for its first segment.
 *
 * @throws INVALID_ARGUMENT with a violation for each unknown path.
 */
export function selectFields<Field extends string>(
  mask: readonly string[] | undefined,
  table: MaskColumns<Field>,
  path = 'read_mask',
): Selection<Field> {
  const fields = new Set<Field>();
  const unknown: string[] = [];
  for (const field of requested(mask, table)) {
    if (isField(table, field)) fields.add(field);
    else unknown.push(field);
  }
  if (unknown.length > 0) throw invalidArgument(...unknown.slice(0, 16).map((name) => violation(path, name)));
  return { fields, columns: [...new Set([...fields].flatMap((field) => table[field]))] };
}

function requested(mask: readonly string[] | undefined, table: object): Iterable<string> {
  if (!mask || mask.length === 0 || (mask.length === 1 && mask[0] === '*')) return Object.keys(table);
  return new Set(['id', ...mask.map((path) => path.split('.', 1)[0] ?? '')]);
}

function isField<Field extends string>(table: MaskColumns<Field>, name: string): name is Field {
  return Object.hasOwn(table, name);
}

function violation(field: string, name: string) {
  return { field, description: `${JSON.stringify(name.slice(0, 100))} is not a field that can be chosen` };
}
