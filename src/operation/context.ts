import type { BatchAnomaly, ShareFetch } from '../batch/loader.ts';
import { createLoaderRegistry, type LoaderRegistry } from '../batch/registry.ts';
import { isShared, type SharedBatches } from '../batch/shared.ts';
import type { Clock } from '../clock.ts';
import type { RateLimitView } from '../guard/budget/rate-limit-view.ts';
import { metadataFromPrincipal, type Principal } from '../identity/principal.ts';
import { createTimeline, type Timeline } from '../observe/timeline.ts';
import type { Trace } from '../observe/trace.ts';
import type { PageLimits } from '../page/page.ts';
import type { Broker } from '../realtime/broker.ts';
import type { Seal } from '../seal.ts';
import { createDeadline, type Deadline } from '../signal.ts';
import type { MaskInfo, ReadMasks } from '../upstream/mask.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { audienceKey, audienceTopic } from './audience.ts';
import { OperationUpstream } from './operation-upstream.ts';
import type { TopicSource } from './topic-source.ts';

/** What all operations of a gateway share. */
export interface OperationParts {
  /** The face of the graph that is asked. */
  readonly variant: string;
  readonly clock: Clock;
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly cursors: Seal;
  readonly masks: ReadMasks;
  /** Page sizes where a connection names none of its own. */
  readonly pages: PageLimits;
  readonly onAnomaly: (anomaly: BatchAnomaly) => void;
  readonly broker: Broker;
  /** Batches that operations fill together. Default: each has its own. */
  readonly sharedBatches?: SharedBatches<OperationContext> | undefined;
}

/** What one operation begins with. */
export interface OperationStart {
  readonly requestId: string;
  readonly trace: Pick<Trace, 'traceId' | 'traceparent'>;
  readonly timeoutMs: number;
  readonly principal: Principal;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal | undefined;
}

/** What a resolver finds in its context: everything of one operation, and nothing of another. */
export interface OperationContext<UpstreamName extends string = string> {
  readonly requestId: string;
  /** The face of the graph that is asked, by its name in weir.config.ts. */
  readonly variant: string;
  /** Who asks: a user, a client application, or somebody without a token. */
  readonly principal: Principal;
  /** The trace that this operation is part of: 32 hexadecimal digits (W3C Trace Context). */
  readonly traceId: string;
  /** The header of its calls upstream (W3C Trace Context). */
  readonly traceparent: string;
  /** When it began, in {@link Clock.nowMs} milliseconds. */
  readonly startMs: number;
  /** Aborts when the client has gone or the deadline has passed. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** The record of this operation's calls and batches. */
  readonly timeline: Timeline;
  /** The upstreams of weir.config.ts, each bound to this operation's deadline, signal and request id. */
  readonly upstreams: Readonly<Record<UpstreamName, OperationUpstream>>;
  /** Batched loads: see {@link LoaderRegistry.load}. */
  readonly load: LoaderRegistry<OperationContext<UpstreamName>>['load'];
  readonly loadMany: LoaderRegistry<OperationContext<UpstreamName>>['loadMany'];
  /** Lets go of every loaded row; after each root field of a mutation the Pothos plugin does it. */
  readonly forget: () => void;
  readonly cursors: Seal;
  readonly pages: PageLimits;
  /** The idempotency key that this mutation was sent with; null without one. */
  readonly idempotencyKey: string | null;
  /** How the caller's own budget stands; null where nothing is metered. */
  readonly rateLimit: () => RateLimitView | null;
  /** The read mask of everything that this operation selects on an object type: see {@link ReadMasks.paths}. */
  readonly readMask: (info: MaskInfo, typename: string) => readonly string[];
  /**
   * Gives an event to everybody who is subscribed to a topic: from client to client, or from a mutation. Rejects with
   * `UPSTREAM_UNAVAILABLE` when the shared store is away.
   */
  readonly publish: (source: TopicSource, payload: string | Uint8Array) => Promise<void>;
  /** Ends the operation: loads and calls after it are refused. Idempotent. */
  readonly end: () => void;
}

/** The context of one operation, whatever carried it. The pipeline calls `end` when the answer is complete. */
export function createOperationContext(parts: OperationParts, start: OperationStart): OperationContext {
  const { clock, cursors, pages, masks, onAnomaly } = parts;
  const timeline = createTimeline(clock);
  const deadline = createDeadline(start.timeoutMs, clock, start.signal);
  const call = {
    signal: deadline.signal,
    deadlineMs: deadline.atMs,
    requestId: start.requestId,
    metadata: metadataFromPrincipal(start.principal),
    recorder: timeline,
    traceparent: start.trace.traceparent,
  };
  const upstreams: Record<string, OperationUpstream> = {};
  for (const name in parts.upstreams) {
    const upstream = parts.upstreams[name];
    if (upstream) upstreams[name] = new OperationUpstream(upstream, call);
  }
  const begun: Omit<OperationContext, 'load' | 'loadMany' | 'forget' | 'end'> = {
    requestId: start.requestId,
    variant: parts.variant,
    principal: start.principal,
    traceId: start.trace.traceId,
    traceparent: start.trace.traceparent,
    startMs: clock.nowMs(),
    signal: deadline.signal,
    deadline,
    timeline,
    upstreams,
    cursors,
    pages,
    readMask: masks.paths,
    // The pipeline puts it in when the operation holds its claim.
    idempotencyKey: null,
    // The pipeline puts the operation's own in its place as soon as it is priced.
    rateLimit: () => null,
    publish: async (source, payload) => {
      await parts.broker.publish(audienceTopic(source, start.principal), payload);
    },
  };
  const context = begun as OperationContext; // as: the loaders need the context that they complete below
  const { load, loadMany, forget, dispose } = createLoaderRegistry({
    context,
    timeline,
    clock,
    onAnomaly,
    share: parts.sharedBatches && shareFetch(context, parts.sharedBatches),
  });
  const end = () => {
    deadline.cleanup();
    dispose();
  };
  return Object.assign(begun, { load, loadMany, forget, end });
}

/** What is refused or labelled for this operation alone is fetched by it alone. */
function shareFetch(
  context: OperationContext,
  batches: SharedBatches<OperationContext>,
): ShareFetch<OperationContext> {
  return (definition, keys, args) => {
    if (!isShared(definition) || !context.upstreams[definition.upstream ?? '']?.isCommon) return undefined;
    const key = audienceKey(context.principal, definition.sharing);
    return batches.fetch(definition, args, keys, { context, signal: context.signal, audienceKey: key });
  };
}
