import { canonicalJson } from '../canonical-json.ts';
import type { Clock } from '../clock.ts';
import type { Timeline } from '../observe/timeline.ts';
import type { LoaderKey } from './align.ts';
import {
  type BatchAnomaly,
  createLoader,
  type Loader,
  type LoaderDefinition,
  type LoaderScope,
  type ShareFetch,
} from './loader.ts';

/** What the loaders of one operation share. */
export interface LoaderRegistryOptions<Context> {
  /** Handed to every fetch: the operation's principal, deadline and signal come with it. */
  readonly context: Context;
  readonly timeline: Timeline;
  readonly clock: Clock;
  /** Told of every batch with foreign or repeated rows, to log and count it; must not throw. */
  readonly onAnomaly?: ((anomaly: BatchAnomaly) => void) | undefined;
  /** Fetches what may be shared together with other operations. Default: nothing is shared. */
  readonly share?: ShareFetch<Context> | undefined;
}

/** The loaders of one operation, made when first used; never shared between operations. */
export interface LoaderRegistry<Context> {
  /**
   * The row of `key`, or null when there is none; a null key gives null without a call. Loads of the same turn with
   * the same definition and equal `args` (plain data that nobody changes) go out together; a key is asked once per operation, unless its
   * fetch failed: that rejects these loads with the fetch's error, and a later load tries again.
   */
  load<Key extends LoaderKey, Row>(
    definition: LoaderDefinition<Context, Key, Row>,
    key: Key | null | undefined,
  ): Promise<Row | null>;
  load<Key extends LoaderKey, Row, Args>(
    definition: LoaderDefinition<Context, Key, Row, Args>,
    key: Key | null | undefined,
    args: Args,
  ): Promise<Row | null>;
  /** As `load` for each key, in order; a key whose fetch failed gives its error and leaves the others alone. */
  loadMany<Key extends LoaderKey, Row>(
    definition: LoaderDefinition<Context, Key, Row>,
    keys: readonly (Key | null | undefined)[],
  ): Promise<(Row | null | Error)[]>;
  loadMany<Key extends LoaderKey, Row, Args>(
    definition: LoaderDefinition<Context, Key, Row, Args>,
    keys: readonly (Key | null | undefined)[],
    args: Args,
  ): Promise<(Row | null | Error)[]>;
  /** Lets go of every row, so that later loads ask again: what they are of may have changed. */
  readonly forget: () => void;
  /** Ends the registry with its operation: rows are let go, and any later load rejects. Idempotent. */
  readonly dispose: () => void;
}

/** An open, empty registry for one operation; whoever runs the operation disposes it. */
export function createLoaderRegistry<Context>(
  options: LoaderRegistryOptions<Context>,
): LoaderRegistry<Context> {
  let open = true;
  const assertOpen = (loader: string): void => {
    if (!open) throw new Error(closedMessage(loader));
  };
  const loaders = createLoaderTable<Context>({ ...options, assertOpen });

  function load<Key extends LoaderKey, Row, Args>(
    definition: LoaderDefinition<Context, Key, Row, Args>,
    key: Key | null | undefined,
    args?: Args,
  ): Promise<Row | null> {
    try {
      assertOpen(definition.name);
      if (key === null || key === undefined) return Promise.resolve(null);
      return loaders.get(definition, args).load(key);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  async function loadMany<Key extends LoaderKey, Row, Args>(
    definition: LoaderDefinition<Context, Key, Row, Args>,
    keys: readonly (Key | null | undefined)[],
    args?: Args,
  ): Promise<(Row | null | Error)[]> {
    assertOpen(definition.name);
    const loader = loaders.get(definition, args);
    return Promise.all(
      keys.map((key) => (key === null || key === undefined ? null : loader.load(key).catch(asValue))),
    );
  }

  const dispose = (): void => {
    open = false;
    loaders.clear();
  };

  return { load, loadMany, forget: loaders.clear, dispose };
}

/** The loaders of one definition. Loads of one level mostly have the very same arguments: those need no text. */
interface LoadersByArgs {
  lastArgs: unknown;
  last: unknown;
  readonly byText: Map<string, unknown>;
}

/** One loader per definition and arguments; as many as the document has such pairs, so its limits bound the table. */
function createLoaderTable<Context>(scope: LoaderScope<Context>) {
  // Loaders without arguments stand alone, so that the common load costs one lookup and no text.
  const plain = new Map<object, unknown>();
  const withArgs = new Map<object, LoadersByArgs>();

  function get<Key extends LoaderKey, Row, Args>(
    definition: LoaderDefinition<Context, Key, Row, Args>,
    given: Args | undefined,
  ): Loader<Key, Row> {
    const args = given as Args; // as: the signatures let only definitions without Args leave it out
    if (given === undefined) return entryOf(plain, definition, () => createLoader(definition, args, scope));
    const byArgs = entryOf<object, LoadersByArgs>(withArgs, definition, () => ({
      lastArgs: undefined,
      last: undefined,
      byText: new Map(),
    }));
    if (byArgs.lastArgs !== given) {
      byArgs.last = entryOf(byArgs.byText, canonicalJson(given), () => createLoader(definition, args, scope));
      byArgs.lastArgs = given;
    }
    return byArgs.last as Loader<Key, Row>; // as: what is under a definition was made from that definition
  }

  const clear = (): void => {
    plain.clear();
    withArgs.clear();
  };

  return { get, clear };
}

function entryOf<Key, Value>(map: Map<Key, unknown>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known as Value; // as: what is under a definition was made from that definition
  const made = make();
  map.set(key, made);
  return made;
}

/** A loader rejects with Errors only. */
function asValue(error: Error): Error {
  return error;
}

function closedMessage(loader: string): string {
  return `Loader "${loader}" was used after its operation ended: every load must be awaited by the resolver that needs it.`;
}
