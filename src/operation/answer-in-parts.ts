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

/**
 * An answer in parts as a client may see it: errors are all of the closed table, at most `maxErrors` of them together. The
 * operation ends with the last part, with its deadline whether somebody reads or not, or when its reader leaves.
 */
export class AnswerInParts {
  readonly initial: InitialPart;
  readonly #source: PartsResult['subsequentResults'];
  readonly #settlement: PartsSettlement;
  readonly #errors: PartsErrors;
  /** What was announced and has not come. */
  readonly #open = new Map<string, PendingPart>();
  /** Aborts when nobody waits for the source any more. */
  readonly #over = new AbortController();
  readonly #unlink: () => void;
  #cancelTimer = () => {};
  #last: LaterPart | undefined;
  #isEnded = false;

  constructor({ initialResult, subsequentResults }: PartsResult, settlement: PartsSettlement) {
    this.#source = subsequentResults;
    this.#settlement = settlement;
    this.#errors = createErrors(settlement);
    this.initial = this.#errors.shownInitial(initialResult);
    this.#follow(initialResult);
    const { context, clock } = settlement;
    this.#unlink = onAbort(context.signal, () => {
      this.#cancelTimer = clock.after(graceMs, () => this.#fail(context.signal.reason));
    });
  }

  /**
   * One part at a time, until one says that it is the last; undefined from then on. Never rejects: what goes wrong, the
   * deadline too, is an error of every part that has not come.
   */
  async next(): Promise<LaterPart | undefined> {
    if (this.#isEnded) return this.#takeLast();
    try {
      const step = await unlessAborted(this.#source.next(), this.#over.signal);
      if (!step.done) return this.#settled(step.value);
      throw new Error('An execution ended before it said so.');
    } catch (thrown) {
      const { signal } = this.#settlement.context;
      this.#fail(signal.aborted ? signal.reason : thrown);
      return this.#takeLast();
    }
  }

  /**
   * Ends the operation before its last part: for a reader that goes, or for `reason`, which is then the error of every part
   * that has not come. Idempotent.
   */
  leave(reason: unknown = gone()): void {
    this.#fail(this.#settlement.context.signal.reason ?? reason);
  }

  #settled(part: LaterPart): LaterPart {
    this.#follow(part);
    const shown = this.#errors.shown(part);
    if (part.hasNext) return shown;
    this.#end(this.#errors.isWhole());
    const extensions = this.#settlement.extensions();
    if (!extensions) return shown;
    if (!part.incremental?.length) return { ...shown, extensions };
    // Clients read no extensions beside data.
    this.#last = { hasNext: false, extensions };
    return { ...shown, hasNext: true };
  }

  /** Nobody waits for what is under way. */
  #fail(thrown: unknown): void {
    if (this.#isEnded) return;
    const errors = this.#errors.of([failureFrom(thrown)]);
    this.#source.return().catch(() => {}); // the failure is told already
    this.#end(false);
    const completed = [...this.#open.keys()].map((id) => ({ id, errors }));
    const extensions = this.#settlement.extensions();
    this.#last = { hasNext: false, completed, ...(extensions && { extensions }) };
    this.#over.abort(thrown);
  }

  #end(isFinished: boolean): void {
    this.#isEnded = true;
    this.#unlink();
    this.#cancelTimer();
    if (!isFinished) this.#settlement.onUnfinished();
    this.#settlement.onEnd({ codes: this.#errors.codes(), hasData: true });
  }

  #takeLast(): LaterPart | undefined {
    const last = this.#last;
    this.#last = undefined;
    return last;
  }

  #follow({ pending = [], completed = [] }: Partial<LaterPart>): void {
    for (const one of pending) this.#open.set(one.id, one);
    for (const { id } of completed) this.#open.delete(id);
  }
}

function gone(): DOMException {
  return new DOMException('The client has gone.', 'AbortError');
}

type PartsErrors = ReturnType<typeof createErrors>;

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
