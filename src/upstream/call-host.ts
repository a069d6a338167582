import type { Clock } from '../clock.ts';
import type { CallRecord } from '../observe/timeline.ts';
import type { ActiveCalls } from './active-calls.ts';
import type { DeadlinePolicy } from './deadline.ts';
import type { MetadataSource } from './metadata.ts';
import type { Pool } from './pool.ts';
import type { StatusPolicy } from './status.ts';

/** Who keeps records of calls; `observe/timeline` is one. */
export interface CallRecorder {
  call(record: CallRecord): void;
}

/** What each call is given. */
export interface CallOptions extends MetadataSource {
  /** Cancels the call when it aborts. */
  readonly signal: AbortSignal;
  /** When the operation ends, in `clock.nowMs()` time. Infinity (no deadline) for serverStream and duplex alone. */
  readonly deadlineMs: number;
  /** Gets one record per call, also of one that was refused: its code is the one that the wire would have given. */
  readonly recorder?: CallRecorder | undefined;
}

/** What the calls of one upstream share. */
export interface CallHost {
  readonly name: string;
  readonly clock: Clock;
  /** For calls with a deadline. */
  readonly calls: Pool;
  /** For streams without one. */
  readonly streams: Pool;
  readonly deadlines: DeadlinePolicy;
  readonly statuses: StatusPolicy;
  readonly active: ActiveCalls;
  readonly onOverload: (pool: 'calls' | 'streams') => void;
}
