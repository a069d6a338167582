import type { CancelTimer, Clock } from '../clock.ts';

/** What all instances share: texts, each with the Unix second at which it was last entered, kept as long as revocations. */
export interface SharedRegister {
  /** Enters a text at this second of Redis' clock, and rings; undefined when there is no room for another. */
  readonly enter: (text: string) => Promise<number | undefined>;
  /** Everything entered; undefined when nothing was since `revision`. */
  readonly read: (revision: string | undefined) => Promise<RegisterPage | undefined>;
  /** Enters again what the register has lost, with its seconds. */
  readonly restore: (entries: ReadonlyMap<string, number>) => Promise<void>;
  /** Calls back when an instance has entered something. */
  readonly onRing: (listener: () => void) => void;
  readonly close: () => Promise<void>;
}

/** All entries of a {@link SharedRegister}. */
export interface RegisterPage {
  readonly revision: string;
  readonly entries: ReadonlyMap<string, number>;
}

/** Milliseconds between two looks: how late a ring that was lost is made good. */
const lookEveryMs = 1000;

/** What a watch keeps up to date. */
export interface WatchParts {
  readonly clock: Clock;
  readonly shared: SharedRegister;
  /** What this instance knows. */
  readonly held: ReadonlyMap<string, number>;
  readonly note: (entries: Iterable<readonly [string, number]>) => void;
  readonly forgetOld: () => void;
  /** Told of the first of several looks that fail, one after the other. */
  readonly onFailed: (thrown: unknown) => void;
}

/** Looks at the register while it is started. */
export interface RevocationWatch {
  /** For how long the register has not said that everything is known. */
  readonly unconfirmedSeconds: () => number;
  /** Resolves after the first look, whatever came of it. */
  readonly start: () => Promise<void>;
  /** Ends the looks and the register. Idempotent. */
  readonly close: () => Promise<void>;
}

/** Keeps what an instance knows as complete as the register, and the register as complete as what the instance knows. */
export function createRevocationWatch(parts: WatchParts): RevocationWatch {
  const { shared, clock, held, note, forgetOld, onFailed } = parts;
  let revision: string | undefined;
  let confirmedMs = clock.nowMs();
  let isRung = false;
  let isFailing = false;
  let isClosed = false;
  let reading: Promise<void> | undefined;
  let cancelTimer: CancelTimer | undefined;

  const read = async () => {
    const page = await shared.read(revision);
    confirmedMs = clock.nowMs();
    forgetOld();
    if (page === undefined) return;
    const lost = lostBy(page, held);
    note(page.entries);
    if (lost.size > 0) await shared.restore(lost);
    revision = page.revision;
  };
  const readWhileRung = async () => {
    try {
      while (isRung) {
        isRung = false;
        await read();
        isFailing = false;
      }
    } catch (thrown) {
      // What is cut off by closing is no failure.
      if (!isFailing && !isClosed) onFailed(thrown);
      isFailing = true;
    }
    reading = undefined;
  };
  /** One read at a time; however often it rings during one, there is one more. */
  const look = async () => {
    isRung = true;
    reading ??= readWhileRung();
    await reading;
  };
  const lookLater = () => {
    if (isClosed) return;
    cancelTimer = clock.after(lookEveryMs, () => void look().then(lookLater));
  };
  return {
    unconfirmedSeconds: () => (clock.nowMs() - confirmedMs) / 1000,
    start: async () => {
      shared.onRing(() => void look());
      await look();
      lookLater();
    },
    close: async () => {
      isClosed = true;
      cancelTimer?.();
      await shared.close();
    },
  };
}

/** What a Redis has to be told again that was emptied, or failed over to one that lagged behind: nothing is revoked for a while only. */
function lostBy({ entries }: RegisterPage, held: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...held].filter(([key, atSeconds]) => (entries.get(key) ?? 0) < atSeconds));
}
