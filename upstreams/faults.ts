import { status } from '@grpc/grpc-js';
import { failure } from './status.ts';

/** What goes wrong with a method. All of it that is set happens, in this order. */
export interface Fault {
  /** Milliseconds to wait before anything else. */
  readonly delayMs?: number;
  /** Messages that a stream sends before `hang`, `disconnect` or `code` strikes (0). A unary call has none. */
  readonly afterMessages?: number;
  /** Never answers. */
  readonly hang?: boolean;
  /** Destroys the HTTP/2 connection, with every other call on it. */
  readonly disconnect?: boolean;
  /** Answers this status. */
  readonly code?: keyof typeof status;
  /** What happens to the rows of a unary answer (its one repeated field). */
  readonly rows?: RowFault;
  /** Calls that it happens to; then the fault is gone. Absent: until cleared. */
  readonly times?: number;
}

export interface RowFault {
  /** Rows left out. */
  readonly drop?: number;
  /** Rows given twice. */
  readonly duplicate?: number;
  /** Rows added that nobody asked for: copies of others under another id. */
  readonly foreign?: number;
  /** In another order. */
  readonly shuffle?: boolean;
}

export interface Faults {
  /** `method` is a path (`/shop.users.v1.UserService/BatchGetUsers`) or its end (`UserService/BatchGetUsers`). */
  set(method: string, fault: Fault): void;
  /** Without a method: all. */
  clear(method?: string): void;
  /** The fault of one call, which counts as one of its `times`. */
  take(path: string): Fault | undefined;
  /** The answer with its rows changed. The same seed and calls, the same changes. */
  changeRows<Response>(fault: RowFault, response: Response): Response;
}

type Check = (value: unknown) => boolean;

const isCount: Check = (value) => Number.isInteger(value) && Number(value) >= 0;
const isFlag: Check = (value) => typeof value === 'boolean';
const ROW_CHECKS = {
  drop: isCount,
  duplicate: isCount,
  foreign: isCount,
  shuffle: isFlag,
} as const satisfies Record<keyof RowFault, Check>;
const CHECKS = {
  delayMs: isCount,
  afterMessages: isCount,
  hang: isFlag,
  disconnect: isFlag,
  code: (value) => typeof value === 'string' && Object.hasOwn(status, value),
  rows: (value) => passes(value, ROW_CHECKS),
  times: isCount,
} as const satisfies Record<keyof Fault, Check>;

/** No faults yet. `seed` decides which rows are dropped and how they are shuffled. */
export function createFaults(seed = 1): Faults {
  const active = new Map<string, Fault & { left: number }>();
  const random = createRandom(seed);
  return {
    set: (method, fault) => {
      if (!passes(fault, CHECKS)) throw new TypeError(`Not a fault: ${JSON.stringify(fault)}`);
      active.set(shortName(method), { ...fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    clear: (method) => {
      if (method === undefined) active.clear();
      else active.delete(shortName(method));
    },
    take: (path) => {
      const fault = active.get(shortName(path));
      if (!fault || fault.left <= 0) return undefined;
      fault.left--;
      return fault;
    },
    changeRows: (fault, response) => changeRows(fault, response, random),
  };
}

/**
 * Sets the faults of a text such as `{"UserService/BatchGetUsers": {"delayMs": 200, "rows": {"shuffle": true}}}`.
 *
 * @throws TypeError when it is not such a text.
 */
export function setFaultsFromJson(faults: Faults, json: string): void {
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== 'object' || parsed === null)
    throw new TypeError('Expected an object: method to fault.');
  for (const [method, fault] of Object.entries(parsed)) faults.set(method, fault);
}

/** The failure that a fault's code stands for. */
export function failureOfFault(code: keyof typeof status) {
  return failure(status[code], 'A fault that was asked for.', { reason: 'INJECTED_FAULT' });
}

function shortName(method: string): string {
  return method.slice(method.lastIndexOf('.') + 1).replace(/^\//, '');
}

function passes(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([key, entry]) => Object.hasOwn(checks, key) && checks[key]?.(entry));
}

function changeRows<Response>(fault: RowFault, response: Response, random: () => number): Response {
  const lists = Object.entries(response ?? {}).filter(isList);
  const [list] = lists;
  if (lists.length !== 1 || !list) throw new Error('A row fault needs an answer with one repeated field.');
  const [field, rows] = list;
  const shuffled = shuffle(rows, random);
  const kept = shuffled.slice(fault.drop ?? 0);
  const foreign = shuffled.slice(0, fault.foreign ?? 0).map(foreignRow);
  const changed = [...kept, ...kept.slice(0, fault.duplicate ?? 0), ...foreign];
  // Without `shuffle` the rows that stay keep their order.
  const ordered = fault.shuffle ? shuffle(changed, random) : inOrderOf(rows, changed);
  return { ...response, [field]: ordered };
}

function isList(entry: [string, unknown]): entry is [string, object[]] {
  return Array.isArray(entry[1]);
}

/** A row as a confused server might give it: well-formed, of an id that was not asked for. */
function foreignRow(row: object, index: number): object {
  const key = 'id' in row ? 'id' : 'productId';
  return { ...row, [key]: `foreign-${index + 1}` };
}

function inOrderOf(rows: readonly object[], changed: readonly object[]): object[] {
  const rank = (row: object) => (rows.includes(row) ? rows.indexOf(row) : rows.length);
  return changed.toSorted((a, b) => rank(a) - rank(b));
}

/** Fisher and Yates. */
function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(Math.floor(random() * rest.length), 1));
}

/** Mulberry32: 32 bits of state are plenty for faults. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
