import type { StreamParameters } from './stream-parameters.ts';

/** What an instance asks of the one that has a stream; plain JSON. */
export type StreamMessage =
  | {
      readonly kind: 'operation';
      readonly operationId: string;
      /** Of this message alone, whatever ids its client gives: by it what this message began is ended again. */
      readonly attempt: string;
      readonly parameters: StreamParameters;
      readonly requestId: string;
      readonly traceparent: string | undefined;
      /** Until when the token that came with it is good, in wall milliseconds; null for always. */
      readonly expiresAtMs: number | null;
      /** When that token was issued, likewise. */
      readonly issuedAtMs: number | null;
    }
  | {
      readonly kind: 'stop';
      readonly operationId: string;
      /** Only if it was begun by this one, since its id may have been used anew. Absent: whatever began it. */
      readonly attempt?: string;
    };

/** What the one that has it answers; plain JSON. */
export interface StreamReply {
  /** Of HTTP. */
  readonly status: number;
  /** Of a refusal, as clients see them. */
  readonly errors?: readonly Readonly<Record<string, unknown>>[];
}

/** What takes the messages for the streams of its instance. */
export type StreamListener = (streamId: string, message: StreamMessage) => Promise<StreamReply>;

/**
 * How the instances of a gateway find the one that has a stream of the single connection mode. A claim is atomic over all
 * of them, and ends with its release or soon after its instance. A message reaches the owner at most once, and those
 * of one stream in order of one sender. Whoever got no answer in time, and is told so, has begun nothing: an operation that
 * reached the owner all the same is ended there, so that its id is free.
 */
export interface StreamRouter {
  /** Says that this instance has a stream from now on; false when an instance has it already. */
  readonly claim: (streamId: string) => Promise<boolean>;
  readonly release: (streamId: string) => Promise<void>;
  /** The owner's answer; undefined when no other instance has the stream. */
  readonly forward: (streamId: string, message: StreamMessage) => Promise<StreamReply | undefined>;
  /** Takes messages for the streams that this instance has claimed; returns what ends that. */
  readonly on: (listener: StreamListener) => () => void;
}

/** Instances of one process, such as those of a test; `join` gives each its router. */
export interface MemoryStreamHub {
  readonly join: () => StreamRouter;
}

/** A router for the gateways of one process: alone, or several in a test. */
export function createMemoryStreamHub(): MemoryStreamHub {
  const owners = new Map<string, { listener: StreamListener | undefined }>();
  return {
    join: () => {
      const self: { listener: StreamListener | undefined } = { listener: undefined };
      return {
        claim: async (streamId) => {
          if (owners.has(streamId)) return false;
          owners.set(streamId, self);
          return true;
        },
        release: async (streamId) => {
          if (owners.get(streamId) === self) owners.delete(streamId);
        },
        forward: async (streamId, message) => owners.get(streamId)?.listener?.(streamId, message),
        on: (listener) => {
          self.listener = listener;
          return () => {
            self.listener = undefined;
          };
        },
      };
    },
  };
}
