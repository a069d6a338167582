import type { ExecutionResult } from 'graphql';
import { type CursorBook, isMeaning } from './cursor-book.ts';

/** A place where an answer is not what the reference says. */
export interface Difference {
  /** `data.orders.edges.0.node`. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** What to compare besides values. */
export interface DifferenceOptions {
  /** Whether members must stand in the order of their selections, as they should (GraphQL specification, section 7.2.2). */
  readonly isOrdered: boolean;
}

/**
 * Every difference between an answer and the reference's: data, errors by path and code. Where the reference has a cursor's
 * meaning, the answer must have the one cursor that means it.
 */
export function differences(
  actual: ExecutionResult,
  expected: ExecutionResult,
  book: CursorBook,
  { isOrdered }: DifferenceOptions,
): Difference[] {
  const found: Difference[] = [];
  compare('data', actual.data, plain(expected.data));
  const [is, should] = [refusalsByNull(actual), refusalsByNull(expected)];
  for (const place of new Set([...is.keys(), ...should.keys()])) {
    compare(`errors at ${place}`, is.get(place), should.get(place));
  }
  return found;

  function compare(path: string, is: unknown, should: unknown): void {
    if (isMeaning(should)) {
      if (typeof is !== 'string' || is === '' || !book.learn(is, should)) differ(path, is, should);
    } else if (Array.isArray(should) && Array.isArray(is) && should.length === is.length) {
      for (const [index, item] of should.entries()) compare(`${path}.${index}`, is[index], item);
    } else if (isObject(should) && isObject(is)) {
      const names = Object.keys(should);
      if (membersOf(is) !== membersOf(should)) differ(`${path} (members)`, Object.keys(is), names);
      for (const name of names) compare(`${path}.${name}`, is[name], should[name]);
    } else if (!Object.is(is, should)) {
      differ(path, is, should);
    }
  }

  function membersOf(object: Readonly<Record<string, unknown>>): string {
    const names = Object.keys(object);
    return (isOrdered ? names : names.sort()).join();
  }

  function differ(path: string, is: unknown, should: unknown): void {
    found.push({ path, expected: should, actual: is });
  }
}

/**
 * Codes by the null that they explain. A null that stands for more than the failed field itself has several reasons at times,
 * of which an executor may stop at the first (GraphQL specification, section 6.4.4): then only that there is one counts.
 */
function refusalsByNull({ data, errors = [] }: ExecutionResult): Map<string, string> {
  const refusals = errors.map(({ path = [], extensions, message }) => {
    const code = String(extensions?.['code'] ?? message);
    const depth = depthOfNull(data, path);
    const place = ['data', ...path.slice(0, depth)].join('.');
    return [place, depth === path.length ? code : 'any'] as const;
  });
  return new Map(refusals);
}

/** How many steps of a path lead to the first null. */
function depthOfNull(data: unknown, path: readonly (string | number)[]): number {
  let value = data;
  for (const [depth, step] of path.entries()) {
    if (value === null || value === undefined) return depth;
    value = (value as Readonly<Record<string | number, unknown>>)[step]; // as: an error's path leads through objects and lists
  }
  return path.length;
}

/** As JSON has it: without the prototype that execute leaves out, without undefined. */
function plain(data: unknown): unknown {
  return data === undefined ? undefined : JSON.parse(JSON.stringify(data));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
