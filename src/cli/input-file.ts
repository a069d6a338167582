import { readFile } from 'node:fs/promises';
import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { StartError } from '../gateway.ts';

/** The text of a file that a command was given; throws {@link StartError} when it cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new StartError([`${file}: expected a file to read: ${messageOf(cause)}`], { cause });
  }
}

/** A JSON object by its members; throws {@link StartError} for anything else, `expected` saying what it should have been. */
export function jsonObjectFrom(
  text: string,
  file: string,
  expected: string,
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StartError([`${file}: expected ${expected} as JSON: ${messageOf(cause)}`], { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>; // as: narrowed by the line above
  throw new StartError([`${file}: expected ${expected} as a JSON object, got ${text.trim().slice(0, 40)}`]);
}

/** The document of a GraphQL text; throws {@link StartError} with the place of its fault. */
export function documentFrom(text: string, file: string): DocumentNode {
  try {
    return parse(text);
  } catch (cause) {
    throw new StartError([`${file}${messageOf(cause)}`], { cause });
  }
}

/** Faults of GraphQL in a file, a line for each: `file:line:column: what`. */
export function faultLines(faults: readonly GraphQLError[], file: string): readonly string[] {
  return faults.map((fault) => `${file}${messageOf(fault)}`);
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof GraphQLError) {
    const [place] = thrown.locations ?? [];
    return `${place ? `:${place.line}:${place.column}` : ''}: ${thrown.message}`;
  }
  return thrown instanceof Error ? thrown.message : String(thrown);
}
