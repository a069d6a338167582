import { createWriteStream, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Log } from './log.ts';

/** One operation as it is recorded: no variable, no value of a document, nobody's name. */
export interface TrafficOperation {
  readonly kind: 'operation';
  /** Wall clock, in milliseconds since 1970. */
  readonly atMs: number;
  /** The `hash` of its {@link TrafficDocument}. */
  readonly document: string;
  readonly operationName: string | null;
  readonly type: string;
  readonly variant: string;
  /** The same for the same caller, and no way back to who it is. */
  readonly caller: string;
  readonly callerKind: string;
  readonly estimatePoints: number;
  readonly actualPoints: number;
  readonly upstreamCalls: number;
  readonly durationMs: number;
  /** Code with which it was refused, or would have been where budgets only measure; null for none. */
  readonly refused: string | null;
  /** Objects completed, by response names from the root, a space and the concrete type. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A document, written once before the first operation that has it. */
export interface TrafficDocument {
  readonly kind: 'document';
  readonly hash: string;
  /** Without its string values. */
  readonly text: string;
}

/** One line of a traffic record. */
export type TrafficLine = TrafficOperation | TrafficDocument;

/** Writes a traffic record. */
export interface Traffic {
  /** Appends a line; drops it when the disk is slower than operations come, or the file is full. Never throws. */
  readonly write: (line: TrafficLine) => void;
  /** Lines that were dropped. */
  readonly dropped: () => number;
  /** Resolves when everything that was written is in the file. Idempotent. */
  readonly close: () => Promise<void>;
}

/** Where a traffic record is kept. */
export interface TrafficOptions {
  readonly file: string;
  /** Size at which recording stops, in bytes. */
  readonly maxBytes: number;
  readonly log: Log;
}

/** Bytes that may wait for the disk. */
const maxWaitingBytes = 4_194_304;

/** A record of JSON lines, appended to `file`; whoever makes it closes it. */
export function createTraffic({ file, maxBytes, log }: TrafficOptions): Traffic {
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  let isWriting = true;
  let dropped = 0;
  let bytes = 0;
  const stop = (fields: object, message: string) => {
    if (isWriting) log.warn({ file, ...fields }, message);
    isWriting = false;
  };
  stream.on('error', (err) => stop({ err }, 'traffic is recorded no more'));
  stat(file).then(
    ({ size }) => {
      bytes += size;
    },
    () => {}, // The file is new: it has no size yet.
  );
  return {
    write: (line) => {
      const text = `${JSON.stringify(line)}\n`;
      if (bytes + text.length > maxBytes) stop({ maxBytes }, 'the record of traffic is full');
      if (!isWriting || stream.writableLength > maxWaitingBytes) {
        dropped += 1;
        return;
      }
      bytes += Buffer.byteLength(text);
      stream.write(text);
    },
    dropped: () => dropped,
    close: () => closeStream(stream),
  };
}

function closeStream(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) return resolve();
    stream.once('close', resolve);
    stream.end();
  });
}
