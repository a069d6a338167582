import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Clock } from '../clock.ts';
import { onAbort, unlessAborted } from '../signal.ts';
import { graceMs } from './before-deadline.ts';
import type { InitialPart, LaterPart, PartsResult, PendingPart } from './parts.ts';
import { failureFrom, type Settlement, withPublicErrors } from './settle.ts';

/** The end of an operation that is answered in parts. */
export interface PartsSettlement extends Settlement {
  readonly clock: Clock;
  /** Told before `onEnd` when not all that was executed has been told: nobody knows what it used. */
  readonly onUnfinished: () => void;
  /** What the last part tells in its extensions, once the operation has ended; undefined for nothing. */
  readonly extensions: () => ExecutionResult['extensions'];
}

/** An answer in parts as a client may see it. */
export class AnswerInParts {
  readonly initial: InitialPart;
  /**
   * One part at a time, until one says that it is the last; undefined from then on. Never rejects: what goes wrong, the
   * deadline too, is an error of every part that has not come.
   */
  readonly next: () => Promise<LaterPart | undefined>;
  /** Ends the operation for a reader that goes before the last part. Idempotent. */
  readonly leave: () => void;

  constructor(initial: InitialPart, source: Pick<AnswerInParts, 'next' | 'leave'>) {
    this.initial = initial;
    this.next = source.next;
    this.leave = source.leave;
  }
}

/**
 * An answer in parts whose errors are all of the closed table, at most `maxErrors` of them together. The operation ends with
 * the last part, with its deadline whether somebody reads or not, or when its reader leaves.
 */
export function settleParts(
  { initialResult, subsequentResults }: PartsResult,
  settlement: PartsSettlement,
): AnswerInParts {
  const { context, clock } = settlement;
  const errors = createErrors(settlement);
  const open = new Map<string, PendingPart>();
  const over = new AbortController();
  let last: LaterPart | undefined;
  let isEnded = false;

  function end(isFinished: boolean): void {
    if (isEnded) return;
    isEnded = true;
    unlink();
    cancelTimer();
    if (!isFinished) settlement.onUnfinished();
    settlement.onEnd({ codes: errors.codes(), hasData: true });
  }

  /** Nobody waits for what is under way. */
  function fail(thrown: unknown): void {
    if (isEnded) return;
    const told = errors.of([failureFrom(thrown)]);
    const completed = [...open.keys()].map((id) => ({ id, errors: told }));
    subsequentResults.return().catch(() => {}); // the failure is told already
    end(false);
    last = withExtensions({ hasNext: false, completed }, settlement.extensions());
    over.abort(thrown);
  }

  function settled(part: LaterPart): LaterPart {
    follow(open, part);
    const shown = errors.shown(part);
    if (part.hasNext) return shown;
    end(errors.isWhole());
    const extensions = settlement.extensions();
    if (!extensions) return shown;
    if (!part.incremental?.length) return withExtensions(shown, extensions);
    // Clients read no extensions beside data.
    last = { hasNext: false, extensions };
    return { ...shown, hasNext: true };
  }

  async function next(): Promise<LaterPart | undefined> {
    if (last || isEnded) return takeLast();
    try {
      const step = await unlessAborted(subsequentResults.next(), over.signal);
      if (!step.done) return settled(step.value);
      throw new Error('An execution ended before it said so.');
    } catch (thrown) {
      fail(context.signal.aborted ? context.signal.reason : thrown);
      return takeLast();
    }
  }

  function takeLast(): LaterPart | undefined {
    const taken = last;
    last = undefined;
    return taken;
  }

  let cancelTimer = () => {};
  const unlink = onAbort(context.signal, () => {
    cancelTimer = clock.after(graceMs, () => fail(context.signal.reason));
  });
  follow(open, initialResult);
  const initial = errors.shownInitial(initialResult);
  return new AnswerInParts(initial, { next, leave: () => fail(context.signal.reason ?? gone()) });
}

function gone(): DOMException {
  return new DOMException('The client has gone.', 'AbortError');
}

function follow(open: Map<string, PendingPart>, { pending, completed }: Partial<LaterPart>): void {
  for (const one of pending ?? []) open.set(one.id, one);
  for (const { id } of completed ?? []) open.delete(id);
}

function withExtensions(part: LaterPart, extensions: ExecutionResult['extensions']): LaterPart {
  return extensions ? { ...part, extensions } : part;
}

/** The errors of all parts together. */
function createErrors(settlement: Settlement) {
  const codes = new Set<string>();
  let count = 0;
  let isWhole = true;

  /** Past the bound each place says no more than that there were more. */
  function of(errors: readonly GraphQLError[]): readonly GraphQLError[] {
    const maxErrors = Math.max(0, settlement.maxErrors - count);
    const { errors: shown = [] } = withPublicErrors({ errors }, { ...settlement, maxErrors });
    count += errors.length;
    for (const { extensions } of shown) codes.add(String(extensions['code']));
    return shown;
  }

  const shownOf = <One extends { readonly errors?: readonly GraphQLError[] }>(one: One): One =>
    one.errors ? { ...one, errors: of(one.errors) } : one;

  return {
    of,
    codes: () => [...codes],
    /** Whether no part failed as a whole, and took away what it had loaded. */
    isWhole: () => isWhole,
    shownInitial: (part: InitialPart): InitialPart => shownOf(part),
    shown: (part: LaterPart): LaterPart => {
      if (part.completed?.some(({ errors }) => errors)) isWhole = false;
      return {
        ...part,
        ...(part.incremental && { incremental: part.incremental.map(shownOf) }),
        ...(part.completed && { completed: part.completed.map(shownOf) }),
      };
    },
  };
}
