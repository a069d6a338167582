import {
  type ExecutionArgs,
  OperationTypeNode,
  type ValidatedExecutionArgs,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import type { Principal } from '../identity/principal.ts';
import type { RandomHex } from '../observe/trace.ts';
import type { Broker } from '../realtime/broker.ts';
import type { ResumeCursorCodec } from '../realtime/cursor.ts';
import type { Deliveries } from '../realtime/delivery.ts';
import type { Pump } from '../realtime/pump.ts';
import type { Topic } from '../realtime/topic.ts';
import { audienceKey, audienceTopic } from './audience.ts';
import type { OperationParts } from './context.ts';
import type { Execute } from './execution.ts';
import type { RunParts } from './run-operation.ts';
import type { SubscriptionLeases } from './subscription-leases.ts';
import type { TopicSource } from './topic-source.ts';

/** What subscribing needs of the gateway. */
export interface SubscribeParts extends OperationParts, RunParts {
  readonly executor: Execute;
  readonly broker: Broker;
  readonly deliveries: Deliveries;
  readonly pump: Pump;
  readonly resumeCursors: ResumeCursorCodec;
  readonly subscriptionLeases: SubscriptionLeases;
  readonly randomHex: RandomHex;
  /** Longest that an event may take to be executed, and a topic to be fed. */
  readonly eventTimeoutMs: number;
}

/** A subscription whose source is known. */
export interface Subscribed {
  readonly args: ExecutionArgs;
  readonly validated: ValidatedExecutionArgs;
  readonly source: TopicSource;
  readonly topic: Topic;
  /** Of those who share it. */
  readonly audienceKey: string;
  readonly principal: Principal;
}

/** Whether checked arguments are of a subscription. */
export function isSubscription(validated: ValidatedExecutionArgs): validated is ValidatedSubscriptionArgs {
  return validated.operation.operation === OperationTypeNode.SUBSCRIPTION;
}

/** The topic of a source as one caller reads it. */
export function subscribedTo(
  source: TopicSource,
  { args, validated, principal }: Pick<Subscribed, 'args' | 'validated' | 'principal'>,
): Subscribed {
  const topic = audienceTopic(source, principal);
  return { args, validated, principal, source, topic, audienceKey: audienceKey(principal, topic.audience) };
}
