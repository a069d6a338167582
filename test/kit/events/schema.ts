import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import type { GraphQLSchema } from 'graphql';
import { type Audience, type OperationContext, topicSource, weirPluginName } from '../../../src/index.ts';

/** One event of the feeds: numbered by whoever publishes it. */
export interface FeedEvent {
  readonly number: number;
  readonly text: string;
}

/** What the process that serves the schema counts. */
export interface EventCounts {
  /** Events that were executed, for whomever. */
  executions: number;
}

/** Begins the text of every event, and stands nowhere else in an answer: whoever counts it counts events. */
export const eventMark = '^';

/** History of the feeds: more than anybody is away for, and less than would show in what a server holds. */
const history = { maxEvents: 10_000, maxBytes: 2 * 1024 * 1024, maxAgeMs: 60 * 60 * 1000 };

/**
 * Two feeds of numbered events, `log` executed once for everybody and `mine` once for each viewer, and the mutation that
 * fills them.
 */
export function buildEventSchema(counts: EventCounts): GraphQLSchema {
  const builder = createBuilder();
  const FeedEventType = builder.objectRef<FeedEvent>('FeedEvent').implement({
    fields: (t) => ({ number: t.exposeInt('number'), text: t.exposeString('text') }),
  });
  builder.queryType({ fields: (t) => ({ executions: t.int({ resolve: () => counts.executions }) }) });
  builder.mutationType({
    fields: (t) => ({
      publish: t.int({
        args: {
          feed: t.arg.string({ required: true }),
          first: t.arg.int({ required: true }),
          count: t.arg.int({ required: true }),
          bytes: t.arg.int({ required: true }),
        },
        resolve: async (_root, { feed, first, count, bytes }, context) => {
          const source = feed === 'log' ? sourceOf('log', 'public') : sourceOf('mine', 'viewer');
          const text = eventMark.padEnd(bytes, 'x');
          for (let number = first; number < first + count; number += 1)
            await context.publish(source, JSON.stringify({ number, text }));
          return count;
        },
      }),
    }),
  });
  const resolve = (event: FeedEvent) => {
    counts.executions += 1;
    return event;
  };
  builder.subscriptionType({
    fields: (t) => ({
      log: t.field({ type: FeedEventType, subscribe: () => sourceOf('log', 'public'), resolve }),
      mine: t.field({ type: FeedEventType, subscribe: () => sourceOf('mine', 'viewer'), resolve }),
    }),
  });
  return builder.toSchema();
}

function sourceOf(key: string, audience: Audience) {
  return topicSource<FeedEvent>({
    key,
    mode: 'log',
    audience,
    history,
    isShared: true,
    read: (payload) => JSON.parse(Buffer.from(payload).toString('utf8')),
  });
}

function createBuilder() {
  return new SchemaBuilder<{ Context: OperationContext; DefaultFieldNullability: false }>({
    plugins: [RelayPlugin, weirPluginName],
    // The shop's schema brings the plugin that asks for it, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
    defaultFieldNullability: false,
    relay: { nodeQueryOptions: false, nodesQueryOptions: false },
  });
}
