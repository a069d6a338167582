import type { PartsFormat } from '../../src/transport/accept.ts';

/** `Accept` of a client that reads answers in parts. */
export const partsAccepts = {
  'v0.2': 'multipart/mixed;incrementalSpec=v0.2,application/json',
  '20220824': 'multipart/mixed;deferSpec=20220824,application/json',
} as const satisfies Readonly<Record<PartsFormat, string>>;

export type JsonObject = Readonly<Record<string, unknown>>;

/** An answer in parts, or the one part of one that came whole. */
export interface AnsweredParts {
  readonly status: number;
  readonly headers: Headers;
  readonly parts: readonly JsonObject[];
  /** Whether the body ended with its last boundary. */
  readonly isComplete: boolean;
}

interface Asked {
  readonly query: string;
  readonly variables?: object;
  readonly operationName?: string | undefined;
}

/** Posts an operation and reads its answer to the end. */
export async function askInParts(
  url: string,
  asked: Asked | string,
  { accept = partsAccepts['v0.2'], ...headers }: Readonly<Record<string, string>> = {},
): Promise<AnsweredParts> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: JSON.stringify(typeof asked === 'string' ? { query: asked } : asked),
  });
  return { status: response.status, headers: response.headers, ...partsFrom(await response.text()) };
}

const boundary = '\r\n--graphql';

/** The parts of a body, read by the letter: each has a head, and each is followed by a boundary at once. */
export function partsFrom(body: string): Pick<AnsweredParts, 'parts' | 'isComplete'> {
  if (!body.startsWith(boundary)) return { parts: [JSON.parse(body)], isComplete: true };
  const pieces = body.slice(boundary.length).split(boundary);
  const last = pieces.pop();
  const parts = pieces.map((piece) => {
    const [head, json = ''] = piece.split('\r\n\r\n');
    if (head !== '\r\ncontent-type: application/json') throw new Error(`Got a part with the head ${head}.`);
    return JSON.parse(json);
  });
  return { parts, isComplete: last === '--\r\n' };
}

interface Entry {
  readonly id?: string;
  readonly path?: readonly (string | number)[];
  readonly subPath?: readonly (string | number)[];
  readonly data?: unknown;
  readonly items?: readonly unknown[] | null;
  readonly errors?: readonly unknown[];
}

interface Part {
  readonly data?: unknown;
  readonly errors?: readonly unknown[];
  readonly extensions?: unknown;
  readonly pending?: readonly { readonly id: string; readonly path: readonly (string | number)[] }[];
  readonly incremental?: readonly Entry[];
  readonly completed?: readonly Entry[];
  readonly hasNext?: boolean;
}

/** What a client has in the end that puts the parts together, in either format. Throws for parts that do not fit. */
export function mergedParts(parts: readonly JsonObject[]): {
  data: unknown;
  errors: unknown[];
  extensions: unknown;
} {
  const [first, ...later] = parts as readonly Part[]; // as: what the tests look at
  const merged = {
    data: structuredClone(first?.data),
    errors: [...(first?.errors ?? [])],
    extensions: first?.extensions,
  };
  const paths = new Map<string, readonly (string | number)[]>();
  const open = new Set<string>();
  const announce = ({ pending = [] }: Part) => {
    for (const { id, path } of pending) {
      if (paths.has(id)) throw new Error(`The id ${id} was announced twice.`);
      paths.set(id, path);
      open.add(id);
    }
  };
  if (first) announce(first);
  for (const [index, part] of later.entries()) {
    announce(part);
    for (const entry of part.incremental ?? []) apply(merged, entry, paths, open);
    for (const { path } of part.pending ?? []) valueAt(merged, path);
    for (const { id = '', errors = [] } of part.completed ?? []) {
      if (!open.delete(id)) throw new Error(`The part ${id} ended, and was not open.`);
      merged.errors.push(...errors);
    }
    merged.extensions = part.extensions ?? merged.extensions;
    if (part.hasNext !== index < later.length - 1)
      throw new Error(`Part ${index} says hasNext: ${part.hasNext}.`);
  }
  if (open.size > 0) throw new Error(`Parts never came: ${[...open].join(', ')}.`);
  return merged;
}

type Members = Record<string | number, unknown>;

function apply(
  merged: { data: unknown; errors: unknown[] },
  { id, path, subPath = [], data, items, errors = [] }: Entry,
  paths: ReadonlyMap<string, readonly (string | number)[]>,
  open: ReadonlySet<string>,
): void {
  if (id !== undefined && !open.has(id)) throw new Error(`The part ${id} came, and was not open.`);
  merged.errors.push(...errors);
  const place = path ?? [...(paths.get(id ?? '') ?? []), ...subPath];
  if (items) {
    const listPath = path ? path.slice(0, -1) : place;
    const list = valueAt(merged, listPath);
    if (!Array.isArray(list)) throw new Error(`There is no list at ${listPath.join('.')}.`);
    if (path && list.length !== path.at(-1))
      throw new Error(`Items came for ${path.join('.')} of ${list.length}.`);
    list.push(...items);
  } else if (data) mergeInto(valueAt(merged, place) as Members, data as Members);
}

function mergeInto(target: Members, members: Members): void {
  for (const key in members) {
    if (key in target) throw new Error(`The member ${key} came twice.`);
    target[key] = members[key];
  }
}

function valueAt({ data }: { readonly data: unknown }, path: readonly (string | number)[]): unknown {
  return path.reduce((at: unknown, key) => {
    const value = (at as Members | undefined)?.[key];
    if (value === undefined || value === null) throw new Error(`There is nothing at ${path.join('.')}.`);
    return value;
  }, data);
}
