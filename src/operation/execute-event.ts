import { createTally } from '../guard/cost/tally.ts';
import { traceFrom } from '../observe/trace.ts';
import type { BrokerEvent } from '../realtime/broker.ts';
import type { Delivery } from '../realtime/lane.ts';
import { audiencePrincipal } from './audience.ts';
import { beforeDeadline } from './before-deadline.ts';
import type { Charge } from './charge.ts';
import { createOperationContext } from './context.ts';
import { failureFrom, withPublicErrors } from './settle.ts';
import { SharedEvent } from './shared-event.ts';
import type { Subscribed, SubscribeParts } from './subscribed.ts';

/** What executing an event needs beside the subscription. */
export interface EventParts {
  readonly parts: SubscribeParts;
  /** Of the subscription, by whose plan each event is priced. */
  readonly charge: Charge;
  readonly requestId: string;
}

/**
 * Executes a subscription for one event, for all of its audience: with a context, loaders and a deadline of its own
 * (GraphQL specification, section 6.2.3.2). Never rejects: what fails is told in the event.
 */
export async function executeEvent(
  subscribed: Subscribed,
  event: BrokerEvent,
  { parts, charge, requestId }: EventParts,
): Promise<Delivery> {
  const { source, topic, audienceKey, principal } = subscribed;
  const { options } = source;
  const context = createOperationContext(parts, {
    requestId,
    trace: traceFrom(undefined, parts.randomHex),
    timeoutMs: parts.eventTimeoutMs,
    principal: audiencePrincipal(principal, topic.audience),
    signal: undefined,
  });
  const tally = createTally();
  const settlement = { context, log: parts.log, maxErrors: parts.limits.maxErrors };
  let coalesceKey: string | undefined;
  let json: string;
  try {
    const rootValue = options.read(event.payload);
    coalesceKey = options.coalesceKey?.(rootValue);
    const args = { ...subscribed.args, rootValue, contextValue: context };
    const validated = { ...subscribed.validated, rootValue, contextValue: context };
    const result = parts.executor(args, tally, validated);
    json = JSON.stringify(
      withPublicErrors(await beforeDeadline(result, context.signal, parts.clock), settlement),
    );
  } catch (thrown) {
    json = JSON.stringify(withPublicErrors({ errors: [failureFrom(thrown)], data: null }, settlement));
  } finally {
    context.end();
  }
  const policy = options.onSlow ?? slowPolicies[topic.mode];
  const cursor = event.position
    ? parts.resumeCursors.encode({ topic, audienceKey }, event.position)
    : undefined;
  const { calls, droppedCalls } = context.timeline;
  const upstreamCalls = calls.length + droppedCalls;
  const delivered = new SharedEvent({ json, cursor, policy, coalesceKey, upstreamCalls });
  return { delivered, points: charge.pointsOf(tally) };
}

const slowPolicies = { log: 'disconnect', latest: 'latest', lossy: 'dropOldest' } as const;
