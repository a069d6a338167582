import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { InitialPart, LaterPart } from '../operation/parts.ts';
import type { PartsFormat } from './accept.ts';
import type { UnfinishedAnswer } from './finish-answers.ts';
import { answerParts } from './multipart-frames.ts';
import { olderParts } from './parts-20220824.ts';
import type { StreamOutcome } from './stream-operation.ts';

/** What writing an answer in parts needs of its request. */
export interface PartsAnswer {
  readonly response: ServerResponse;
  readonly format: PartsFormat;
  readonly initial: InitialPart;
  readonly later: NonNullable<(StreamOutcome & { readonly kind: 'result' })['later']>;
  /** Ends what runs. */
  readonly abort: () => void;
  /** Ends it as well, for a part that cannot be written; gives what is shown of that. */
  readonly refuse: (thrown: unknown) => object;
  /** The answers in parts that go on; this one is among them until its last byte has left. */
  readonly unfinished: Set<UnfinishedAnswer>;
  /** When the operation ends at the latest, in {@link Clock.nowMs} milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/** Milliseconds after the operation's end that a client has to read what there is. */
const lingerMs = 5000;

/** What the parts that have not come say. */
const stopping = 'This server stops and could not wait for this part; ask another one.';

/** Nobody on the way may keep, transform or collect it. */
const partsHeaders = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' } as const;

/**
 * Writes an answer in parts, each when it is there and the client has read those before, so that no more than one waits
 * beside what the connection holds. A client that goes, or reads too slowly, ends the operation. Never rejects.
 */
export async function answerInParts(answer: PartsAnswer): Promise<void> {
  const { response, later, clock, deadlineMs, unfinished } = answer;
  const format = formats[answer.format](answer.initial);
  const first = textOf(answer, format.first);
  const leave = () => {
    answer.abort();
    later.leave();
  };
  if (response.destroyed) return leave();
  response.once('close', leave);
  const self = {
    finish: () => {
      later.leave(new WeirError('OVERLOADED', { message: stopping }));
      answer.abort();
    },
  };
  unfinished.add(self);
  response.once('close', () => unfinished.delete(self));
  const cancelTimer = clock.after(Math.max(0, deadlineMs - clock.nowMs()) + lingerMs, () =>
    response.destroy(),
  );
  response.writeHead(200, { ...partsHeaders, 'content-type': answerParts.contentTypes[answer.format] });
  let canWrite = response.write(answerParts.opening + answerParts.part(first.text));
  let isCut = first.isCut;
  while (!isCut && !response.destroyed) {
    if (!canWrite) await drained(response);
    const part = await later.next();
    if (!part) break;
    const written = format.next(part);
    if (!written) continue;
    const { text, ...rest } = textOf(answer, written);
    isCut = rest.isCut;
    canWrite = response.write(answerParts.part(text));
  }
  if (isCut) leave();
  response.off('close', leave);
  cancelTimer();
  if (response.destroyed) return;
  response.end(answerParts.end);
}

interface Writer {
  readonly first: object;
  readonly next: (part: LaterPart) => object | undefined;
}

const formats = {
  'v0.2': (initial) => ({ first: initial, next: (part) => part }),
  '20220824': olderParts,
} as const satisfies Readonly<Record<PartsFormat, (initial: InitialPart) => Writer>>;

/** A part that cannot be JSON, as a scalar may give, is a fault, and the last one. */
function textOf({ refuse }: PartsAnswer, part: object): { readonly text: string; readonly isCut: boolean } {
  try {
    return { text: JSON.stringify(part), isCut: false };
  } catch (thrown) {
    return { text: JSON.stringify({ ...refuse(thrown), hasNext: false }), isCut: true };
  }
}

/** Resolves when the connection has taken what was written, or is over. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const onEnd = () => {
      response.off('drain', onEnd);
      response.off('close', onEnd);
      resolve();
    };
    response.on('drain', onEnd);
    response.on('close', onEnd);
    if (response.destroyed) onEnd();
  });
}
