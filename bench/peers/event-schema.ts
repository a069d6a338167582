import { createPubSub, createSchema } from 'graphql-yoga';

/** What the peers publish, as the feed of Weir has it. */
interface FeedEvent {
  readonly number: number;
  readonly text: string;
}

interface PublishArguments {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
}

/** One feed of numbered events and the mutation that fills it, on Yoga's own pub/sub, as its guide has them. */
export function buildPeerSchema() {
  const pubSub = createPubSub<{ log: [FeedEvent] }>();
  let executions = 0;
  return createSchema({
    typeDefs: `
      type FeedEvent { number: Int! text: String! }
      type Query { executions: Int! }
      type Mutation { publish(feed: String!, first: Int!, count: Int!, bytes: Int!): Int! }
      type Subscription { log: FeedEvent! }
    `,
    resolvers: {
      Query: { executions: () => executions },
      Mutation: {
        publish: (_root, { first, count, bytes }: PublishArguments) => {
          const text = '^'.padEnd(bytes, 'x');
          for (let number = first; number < first + count; number += 1)
            pubSub.publish('log', { number, text });
          return count;
        },
      },
      Subscription: {
        log: {
          subscribe: () => pubSub.subscribe('log'),
          resolve: (event: FeedEvent) => {
            executions += 1;
            return event;
          },
        },
      },
    },
  });
}
