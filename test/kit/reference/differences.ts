import type { ExecutionResult } from 'graphql';
import { type CursorBook, isMeaning } from './cursor-book.ts';

/** A place where an answer is not what the reference says. */
export interface Difference {
  /** `data.orders.edges.0.node`. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/**
 * Every difference between an answer and the reference's: data with the order of its members, errors by path and code.
 * Where the reference has a cursor's meaning, the answer must have the one cursor that means it.
 */
export function differences(
  actual: ExecutionResult,
  expected: ExecutionResult,
  book: CursorBook,
): Difference[] {
  const found: Difference[] = [];
  compare('data', actual.data, plain(expected.data));
  compare('errors', refusalsOf(actual), refusalsOf(expected));
  return found;

  function compare(path: string, is: unknown, should: unknown): void {
    if (isMeaning(should)) {
      if (typeof is !== 'string' || is === '' || !book.learn(is, should)) differ(path, is, should);
    } else if (Array.isArray(should) && Array.isArray(is) && should.length === is.length) {
      for (const [index, item] of should.entries()) compare(`${path}.${index}`, is[index], item);
    } else if (isObject(should) && isObject(is)) {
      const names = Object.keys(should);
      if (names.join() !== Object.keys(is).join()) differ(`${path} (members)`, Object.keys(is), names);
      for (const name of names) compare(`${path}.${name}`, is[name], should[name]);
    } else if (!Object.is(is, should)) {
      differ(path, is, should);
    }
  }

  function differ(path: string, is: unknown, should: unknown): void {
    found.push({ path, expected: should, actual: is });
  }
}

/** In one order, as fields fail in any. */
function refusalsOf({ errors = [] }: ExecutionResult): string[] {
  return errors
    .map(({ path, extensions, message }) => `${path?.join('.')}: ${extensions?.['code'] ?? message}`)
    .sort();
}

/** As JSON has it: without the prototype that execute leaves out, without undefined. */
function plain(data: unknown): unknown {
  return data === undefined ? undefined : JSON.parse(JSON.stringify(data));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
