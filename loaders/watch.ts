import { type OperationUpstream, type PumpItem, WeirError } from '../src/index.ts';

/** What a service tells those who follow a log: its position, and the event unless it only tells the start. */
interface Told {
  readonly sequence: bigint;
}

/** How the answers of one watching RPC become events of a topic. */
export interface Watch<Answer extends Told> {
  /** Whether an answer is an event, and does not only tell from where events follow. */
  readonly isEvent: (answer: Answer) => boolean;
  readonly encode: (answer: Answer) => Uint8Array;
}

/** The sequence after which to follow, as the services read it: null, from now on, is -1. */
export function afterSequence(after: number | null): bigint {
  return after === null ? -1n : BigInt(after);
}

/** The answers of a watching RPC for a pump. */
export async function* watched<Answer extends Told>(
  answers: AsyncIterable<Answer>,
  { isEvent, encode }: Watch<Answer>,
): AsyncGenerator<PumpItem, void, undefined> {
  for await (const answer of answers) {
    yield { sequence: Number(answer.sequence), payload: isEvent(answer) ? encode(answer) : null };
  }
}

/** Reasons of a service that cannot go on after a sequence: what followed it was removed, or the log is another. */
const expiredReasons: ReadonlySet<unknown> = new Set(['SEQUENCE_EXPIRED', 'SEQUENCE_UNKNOWN']);

/** Whether a watching RPC failed because the events after the sequence are no longer to be had. */
export function isExpired(thrown: unknown): boolean {
  return thrown instanceof WeirError && expiredReasons.has(thrown.extensions['reason']);
}

/** An upstream of weir.config.ts. */
export function upstreamOf(
  upstreams: Readonly<Record<string, OperationUpstream>>,
  name: string,
): OperationUpstream {
  const upstream = upstreams[name];
  if (upstream) return upstream;
  throw new TypeError(`Upstreams: expected one of the name "${name}" in weir.config.ts, got none.`);
}
