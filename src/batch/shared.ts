import { canonicalJson } from '../canonical-json.ts';
import { onAbort } from '../signal.ts';
import type { Alignment, LoaderKey } from './align.ts';
import { fetchAligned, type LoaderDefinition, type Sharing } from './loader.ts';

/** An operation that shares its batches. */
export interface Sharer<Context> {
  readonly context: Context;
  /** Aborts when the operation waits no more. */
  readonly signal: AbortSignal;
  /** Of those with whom it may share. */
  readonly audienceKey: string;
}

/** The context of a fetch for several operations. */
export interface JointContext<Context> {
  readonly context: Context;
  /** Ends it with the fetch; what it recorded goes to one of the operations. */
  readonly end: (heir: Context) => void;
}

/** Makes the context of one fetch for operations of one audience, which ends when `signal` aborts. */
export type JoinContexts<Context> = (
  contexts: readonly Context[],
  sharing: Sharing,
  signal: AbortSignal,
) => JointContext<Context>;

/** Batches that several operations fill. */
export interface SharedBatches<Context> {
  /**
   * Fetches distinct keys, at most `maxBatchSize` of them, together with what other operations of its audience load by
   * the same definition and equal `args` in this turn of the event loop. Rejects with what the fetch fails with, or with
   * the reason of the sharer's signal.
   */
  readonly fetch: <Key extends LoaderKey, Row, Args>(
    definition: SharedDefinition<Context, Key, Row, Args>,
    args: Args,
    keys: readonly Key[],
    sharer: Sharer<Context>,
  ) => Promise<Alignment<Row>>;
}

/** A definition whose batches may be shared. */
export type SharedDefinition<Context, Key extends LoaderKey, Row, Args> = LoaderDefinition<
  Context,
  Key,
  Row,
  Args
> & { readonly sharing: Sharing };

/** Whether a definition says with whom its batches are shared. */
export function isShared<Context, Key extends LoaderKey, Row, Args>(
  definition: LoaderDefinition<Context, Key, Row, Args>,
): definition is SharedDefinition<Context, Key, Row, Args> {
  return definition.sharing !== undefined;
}

/** What one operation wants of a batch. */
interface Member<Context, Key, Row> {
  readonly keys: readonly Key[];
  readonly context: Context;
  readonly resolve: (alignment: Alignment<Row>) => void;
  readonly reject: (thrown: unknown) => void;
  /** Ends the watch over its signal. */
  unwatch: () => void;
}

/**
 * Batches of all operations that run at one time: a call costs many times what its keys do. A batch is open until the end
 * of the event loop's turn, so nobody waits for anybody; one that a single operation fills is that operation's own. Every
 * key is asked for after it was loaded, so an operation sees what it has changed. Members that leave fail nobody else, and
 * the fetch is cancelled when the last one has left. Open batches are bounded by the loads of a turn.
 */
export function createSharedBatches<Context>(join: JoinContexts<Context>): SharedBatches<Context> {
  const open = new WeakMap<object, Map<string, unknown>>();
  const textOf = createTexts();

  function batchFor<Key extends LoaderKey, Row, Args>(
    definition: SharedDefinition<Context, Key, Row, Args>,
    args: Args,
    place: string,
    keys: number,
  ): SharedBatch<Context, Key, Row, Args> {
    const batches = open.get(definition) ?? new Map<string, unknown>();
    open.set(definition, batches);
    // as: what is under a definition was made from that definition
    const known = batches.get(place) as SharedBatch<Context, Key, Row, Args> | undefined;
    if (known?.hasRoom(keys)) return known;
    const batch = new SharedBatch(definition, args, join);
    batches.set(place, batch);
    setImmediate(() => {
      if (batches.get(place) === batch) batches.delete(place);
      batch.send();
    });
    return batch;
  }

  return {
    fetch: (definition, args, keys, sharer) => {
      const batch = batchFor(definition, args, `${sharer.audienceKey}\n${textOf(args)}`, keys.length);
      return batch.add(keys, sharer);
    },
  };
}

/** Arguments are mostly the very same object, as read masks are: their text is made once. */
function createTexts(): (args: unknown) => string {
  const known = new WeakMap<object, string>();
  return (args) => {
    if (typeof args !== 'object' || args === null) return canonicalJson(args);
    const text = known.get(args) ?? canonicalJson(args);
    known.set(args, text);
    return text;
  };
}

/** One batch from its first member to its answer. */
class SharedBatch<Context, Key extends LoaderKey, Row, Args> {
  readonly #definition: SharedDefinition<Context, Key, Row, Args>;
  readonly #args: Args;
  readonly #join: JoinContexts<Context>;
  /** Those who still wait, in the order in which they came. */
  readonly #members = new Set<Member<Context, Key, Row>>();
  #keys = 0;
  /** Ends the fetch; there once it is under way. */
  #fetching: AbortController | undefined;

  constructor(
    definition: SharedDefinition<Context, Key, Row, Args>,
    args: Args,
    join: JoinContexts<Context>,
  ) {
    this.#definition = definition;
    this.#args = args;
    this.#join = join;
  }

  hasRoom(keys: number): boolean {
    return this.#keys + keys <= this.#definition.maxBatchSize;
  }

  add(keys: readonly Key[], { context, signal }: Sharer<Context>): Promise<Alignment<Row>> {
    this.#keys += keys.length;
    return new Promise((resolve, reject) => {
      const member: Member<Context, Key, Row> = { keys, context, resolve, reject, unwatch: () => {} };
      this.#members.add(member);
      member.unwatch = onAbort(signal, () => this.#leave(member, signal.reason));
    });
  }

  send(): void {
    const [first, second] = this.#members;
    if (!first) return;
    if (second) void this.#fetchTogether();
    else {
      first.unwatch();
      fetchAligned(this.#definition, first.keys, this.#args, first.context).then(first.resolve, first.reject);
    }
  }

  async #fetchTogether(): Promise<void> {
    this.#fetching = new AbortController();
    const sent = [...this.#members];
    const indexOf = new Map<Key, number>();
    for (const { keys } of sent)
      for (const key of keys) if (!indexOf.has(key)) indexOf.set(key, indexOf.size);
    const contexts = sent.map(({ context }) => context);
    const { context, end } = this.#join(contexts, this.#definition.sharing, this.#fetching.signal);
    const fetched = await fetchAligned(this.#definition, [...indexOf.keys()], this.#args, context).catch(
      (thrown: unknown) => ({ thrown }),
    );
    const [heir] = this.#members;
    if (heir) end(heir.context);
    for (const member of this.#members) {
      member.unwatch();
      if ('thrown' in fetched) member.reject(fetched.thrown);
      else member.resolve(shareOf(member.keys, indexOf, fetched, member === heir));
    }
  }

  /** The last one to leave ends the fetch, and hears how that ends: what was recorded of it is told to somebody. */
  #leave(member: Member<Context, Key, Row>, reason: unknown): void {
    if (this.#fetching && this.#members.size === 1) {
      this.#fetching.abort(reason);
      return;
    }
    this.#members.delete(member);
    member.reject(reason);
  }
}

/** The rows of one member; what does not fit is told to the heir alone. */
function shareOf<Key, Row>(
  keys: readonly Key[],
  indexOf: ReadonlyMap<Key, number>,
  { rows, foreign, repeated }: Alignment<Row>,
  isHeir: boolean,
): Alignment<Row> {
  const own = keys.map((key) => rows[indexOf.get(key) ?? -1] ?? null);
  const missing = own.reduce((sum, row) => sum + (row === null ? 1 : 0), 0);
  return { rows: own, missing, foreign: isHeir ? foreign : 0, repeated: isHeir ? repeated : 0 };
}
