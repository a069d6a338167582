import type { CancelTimer, Clock } from '../../clock.ts';
import type { Log } from '../../observe/log.ts';
import { readManifest, versionOf } from './manifest-files.ts';
import { emptyTrustedSet, prepareTrustedSet, type TrustedSet, type TrustedSetParts } from './trusted-set.ts';

/** What the trusted documents of a variant are made of. */
export interface TrustedDocumentsParts extends TrustedSetParts {
  /** Manifest files, and folders of `.graphql` files. */
  readonly manifests: readonly string[];
  /** Time between two looks at them, in milliseconds; 0 for none. */
  readonly reloadMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Told how many are in use from now on. */
  readonly onLoaded: (count: number) => void;
  /** Told of each change of the files: whether the new documents are in use. */
  readonly onReloaded: (isTaken: boolean) => void;
}

/** The documents that a variant's clients were built with. */
export interface TrustedDocuments {
  /** Those in use now. */
  readonly current: () => TrustedSet;
  /**
   * Reads them for the first time, uses those that are as they should be, and looks for changes from then on. Resolves
   * with a line for each that is not. Never rejects.
   */
  readonly load: () => Promise<readonly string[]>;
  /** Looks for no further changes. Idempotent. */
  readonly close: () => void;
}

/** Lines of one log entry. */
const maxLoggedFaults = 20;

/**
 * Trusted documents that follow their files: after a change all are read again, and take the place of those before in one
 * step, unless one is faulty: then those before stay, and the log says why. It asks the file system in intervals, for
 * its notices do not come from all file systems, and say nothing when a folder is replaced as a whole.
 */
export function createTrustedDocuments(parts: TrustedDocumentsParts): TrustedDocuments {
  const { manifests, clock, log, reloadMs, onLoaded, onReloaded } = parts;
  let current = emptyTrustedSet;
  let version = '';
  let isClosed = false;
  let cancel: CancelTimer = () => {};

  const schedule = (): void => {
    if (isClosed || reloadMs === 0 || manifests.length === 0) return;
    cancel = clock.after(reloadMs, () => void reload().finally(schedule));
  };
  const prepared = async () => {
    // Taken first: what is written while it is read is read again.
    version = await versionOfAll(manifests);
    return prepareTrustedSet(await Promise.all(manifests.map((path) => readManifest(path))), current, parts);
  };
  const use = (set: TrustedSet): void => {
    current = set;
    onLoaded(set.all.length);
  };
  const reload = async (): Promise<void> => {
    if (version === (await versionOfAll(manifests))) return;
    const { set, faults } = await prepared();
    if (isClosed) return;
    const isTaken = faults.length === 0;
    if (isTaken) {
      use(set);
      log.info({ manifests, documents: set.all.length }, 'new documents are in use');
    } else {
      const told = faults.slice(0, maxLoggedFaults);
      log.error(
        { manifests, faults: told, faultCount: faults.length },
        'new documents are faulty; the old stay',
      );
    }
    onReloaded(isTaken);
  };
  return {
    current: () => current,
    load: async () => {
      const { set, faults } = await prepared();
      use(set);
      schedule();
      return faults;
    },
    close: () => {
      isClosed = true;
      cancel();
    },
  };
}

async function versionOfAll(manifests: readonly string[]): Promise<string> {
  return (await Promise.all(manifests.map(versionOf))).join('\n');
}
