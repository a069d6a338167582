import { hash } from 'node:crypto';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, print } from 'graphql';
import { canonicalJson } from '../canonical-json.ts';
import { WeirError } from '../errors.ts';
import { createKnownBalance } from '../guard/budget/known-balance.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import type { Position } from '../realtime/broker.ts';
import { assertResumeCursor, type ResumeCursorCodec } from '../realtime/cursor.ts';
import type { DeliveryRequest } from '../realtime/delivery.ts';
import type { Deliverable } from '../realtime/sink.ts';
import type { OperationContext } from './context.ts';
import { createEventAccount } from './event-account.ts';
import { createEventReport, type EventReport } from './event-report.ts';
import { type EventParts, executeEvent } from './execute-event.ts';
import { feedTopic } from './feed-topic.ts';
import { iterateDeliverable } from './iterate-deliverable.ts';
import { ownEvents } from './own-events.ts';
import { publicError } from './public-error.ts';
import type { Run } from './run-operation.ts';
import { isSubscription, type Subscribed, type SubscribeParts, subscribedTo } from './subscribed.ts';
import { TopicSource } from './topic-source.ts';

/**
 * Opens the source of a subscription that may run. A topic is delivered (see {@link Deliverable}); of any other async
 * iterable each event is executed for its subscriber alone. Rejects with `INVALID_CURSOR` when the client resumes by a
 * cursor that this subscription never gave it.
 */
export async function subscribeOperation(
  args: ExecutionArgs,
  run: Run,
  parts: SubscribeParts,
): Promise<ExecutionResult | AsyncIterable<ExecutionResult> | Deliverable> {
  const context = args.contextValue as OperationContext; // as: graphql-js knows nothing of contexts
  const { validated } = run;
  if (!isSubscription(validated)) throw new TypeError('expected a subscription');
  // Subscribing costs no objects: each event pays for its own.
  run.charge.tally.begin([], []);
  const stream = await createSourceEventStream(validated);
  if (!(stream instanceof TopicSource))
    return Symbol.asyncIterator in stream ? streamed(stream, args, run, parts) : stream;
  const subscribed = subscribedTo(stream, { args, validated, principal: context.principal });
  const after = resumedFrom(args, subscribed, parts.resumeCursors);
  const leave = await parts.subscriptionLeases.acquire(context.principal);
  run.charge.settle();
  const onEnd = inTurn(leave, run.detach());
  const { requestId } = context;
  return deliverable(subscribed, after, { charge: run.charge, requestId, onEnd }, parts);
}

/** What a subscription is delivered with. Of this nothing holds the context of the operation that asked for it. */
interface Admitted extends Omit<EventParts, 'parts'>, Pick<DeliveryRequest, 'onEnd'> {}

function inTurn(leave: () => void, end: DeliveryRequest['onEnd']): DeliveryRequest['onEnd'] {
  return (reason) => {
    leave();
    end(reason);
  };
}

/** The events of a stream that nobody else reads, in the context of the operation that asked for it. */
function streamed(
  stream: AsyncIterable<unknown>,
  args: ExecutionArgs,
  { charge, validated }: Run,
  parts: SubscribeParts,
): AsyncIterable<ExecutionResult> {
  const context = args.contextValue as OperationContext; // as: graphql-js knows nothing of contexts
  const { principal, requestId, timeline } = context;
  charge.settle();
  const { account, cost } = payerOf(principal, { charge, requestId }, parts);
  const callsMade = () => timeline.calls.length + timeline.droppedCalls;
  let callsBefore = callsMade();
  return ownEvents(stream, {
    execute: (rootValue, tally) => {
      callsBefore = callsMade();
      return parts.executor({ ...args, rootValue }, tally, { ...validated, rootValue });
    },
    pointsOf: (tally) => charge.pointsOf(tally),
    account,
    tell: (result) =>
      cost
        ? { ...result, extensions: { ...result.extensions, cost: cost(callsMade() - callsBefore) } }
        : result,
  });
}

/** Where the client goes on: `extensions.resume` of its request, however its transport carried it. */
function resumedFrom(
  { contextValue }: ExecutionArgs,
  { topic, audienceKey: key }: Subscribed,
  codec: ResumeCursorCodec,
): Position | undefined {
  const { params } = contextValue as { params?: { extensions?: { resume?: unknown } | null } }; // as: of the transport
  const resume = params?.extensions?.resume;
  if (resume === undefined || resume === null) return undefined;
  if (typeof resume === 'string') return assertResumeCursor(codec, { topic, audienceKey: key }, resume);
  throw new WeirError('BAD_REQUEST', {
    message: `Request "extensions.resume": expected a cursor of this subscription, got ${typeof resume}.`,
  });
}

function deliverable(
  subscribed: Subscribed,
  after: Position | undefined,
  { charge, requestId, onEnd }: Admitted,
  parts: SubscribeParts,
): Deliverable {
  const { topic, source, principal } = subscribed;
  const { log, resumeCursors } = parts;
  const { account, sinkFor } = payerOf(principal, { charge, requestId }, parts);
  const request: Omit<DeliveryRequest, 'sink'> = {
    cohort: cohortOf(parts.variant, subscribed),
    topic,
    after,
    account,
    whenEmpty: source.options.whenEmpty ?? (topic.mode === 'log' ? 'end' : 'skip'),
    execute: (event) => executeEvent(subscribed, event, { parts, charge, requestId }),
    cursorOf: (position) => resumeCursors.encode(subscribed, position),
    errorFrom: (thrown) => {
      const { error, fault } = publicError(thrown, requestId);
      if (fault) log.error({ requestId, err: fault }, 'subscription failed');
      return { ...error.toJSON() };
    },
    feed: () => feedTopic(subscribed, requestId, parts),
    onEnd,
  };
  const attach: Deliverable['attach'] = (sink) =>
    parts.deliveries.attach({ ...request, sink: sinkFor?.(sink) ?? sink });
  return { attach, [Symbol.asyncIterator]: () => iterateDeliverable(attach) };
}

/** Who pays for the events, and where they go to when their subscriber is told what it pays. */
function payerOf(
  principal: Principal,
  { charge, requestId }: Pick<Admitted, 'charge' | 'requestId'>,
  { charging, clock, log }: SubscribeParts,
): Pick<EventReport, 'account'> & Partial<EventReport> {
  const books = charging.accountOf(principal);
  const onFailed = notCharged(log, requestId);
  const parts = { ...books, clock, onFailed, returnPoints: charge.reservedPoints() };
  const price = charge.reported();
  if (!price) return { account: createEventAccount(parts) };
  const balance = createKnownBalance({ ...books, clock, onFailed, state: charge.state() });
  return createEventReport({
    account: createEventAccount({ ...parts, budget: balance }),
    balance,
    price,
  });
}

/** Apart from {@link payerOf}: who is subscribed holds this, and with a closure of it all that it was given. */
function notCharged(log: Log, requestId: string): (err: unknown) => void {
  return (err) => log.warn({ requestId, err }, 'an event was not charged');
}

/** Equal for all who share one execution. Variables are plain data, as their transport parsed them. */
function cohortOf(variant: string, { args, topic, audienceKey: key }: Subscribed): string {
  const { document, operationName, variableValues } = args;
  return JSON.stringify([
    variant,
    hash('sha256', document.loc?.source.body ?? print(document)),
    operationName ?? null,
    canonicalJson(variableValues ?? {}),
    topic.key,
    key,
  ]);
}
