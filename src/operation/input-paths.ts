import { WeirError } from '../errors.ts';

type Path = readonly (string | number)[];

/** Where the parts of an upstream's request come from: both sides with dots between, `#` for an index. */
export type InputPaths = Readonly<Record<string, string>>;

/**
 * Waits for a call; where it is refused for parts of its request (`extensions.fieldViolations`), names the parts of the
 * GraphQL input instead: with `{ 'parts.#.itemId': 'input.parts.#.item' }` the path `['parts', 2, 'itemId']`
 * becomes `['input', 'parts', 2, 'item']`. What is not in the table becomes `['input']`.
 */
export async function withInputPaths<Value>(work: Promise<Value>, paths: InputPaths): Promise<Value> {
  try {
    return await work;
  } catch (thrown) {
    throw withPaths(thrown, paths);
  }
}

function withPaths(thrown: unknown, paths: InputPaths): unknown {
  if (!(thrown instanceof WeirError)) return thrown;
  const { code, message, extensions, cause } = thrown;
  const { fieldViolations } = extensions;
  if (!Array.isArray(fieldViolations)) return thrown;
  const renamed = fieldViolations.map((violation) => ({
    ...violation,
    path: inputPath(violation.path, paths),
  }));
  return new WeirError(code, { message, extensions: { ...extensions, fieldViolations: renamed }, cause });
}

function inputPath(path: Path, paths: InputPaths): Path {
  const indexes = path.filter((part) => typeof part === 'number');
  const key = path.map((part) => (typeof part === 'number' ? '#' : part)).join('.');
  const target = Object.hasOwn(paths, key) ? paths[key] : undefined;
  return (target ?? 'input').split('.').map((part) => (part === '#' ? (indexes.shift() ?? part) : part));
}
