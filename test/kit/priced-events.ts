import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import type { GraphQLSchema } from 'graphql';
import { systemClock } from '../../src/clock.ts';
import type { TierNumbers } from '../../src/guard/budget/policy.ts';
import { signDevelopmentToken } from '../../src/identity/development-keys.ts';
import {
  type Audience,
  createBudgetPolicy,
  createGateway,
  createLog,
  type GatewayOptions,
  type OperationContext,
  topicSource,
  type WeirConfig,
  weirPluginName,
} from '../../src/index.ts';
import { post } from './tiny-gateway.ts';

/** What an event costs, of either feed. */
export const eventPoints = { dear: 5, cheap: 1 } as const;

/** Of whoever publishes. */
const wealth = { limitPoints: 1_000_000, restorePerSecond: 1000 };

/** The feeds: for everybody, and of each viewer. */
export type Feed = keyof typeof audiences;

const audiences = { everybody: 'public', mine: 'viewer' } as const satisfies Record<string, Audience>;

interface Numbered {
  readonly number: number;
}

/** A gateway whose events have prices, each caller with a budget of its own. */
export interface PricedEvents extends AsyncDisposable {
  readonly url: string;
  readonly tokenOf: (subject: string) => Promise<string>;
  /** Publishes numbers, in order, by somebody else. */
  readonly publish: (feed: Feed, first: number, last: number) => Promise<void>;
  /** Streams of `own`, each of one subscriber, that have ended. */
  readonly ownEnds: () => number;
  /** Resolves when there are so many subscriptions. */
  readonly untilSubscribed: (count: number) => Promise<void>;
  /** Calls to the shared store of budgets that failed or took too long. */
  readonly storeFailures: () => Promise<number>;
  /** The counts of ended subscriptions, as the metrics have them. */
  readonly subscriptionEnds: () => Promise<readonly string[]>;
  /** Points that a caller has; asking costs none of them. */
  readonly pointsOf: (subject: string) => Promise<number>;
}

/** What is not by default. */
export interface PricedEventsOptions extends Pick<WeirConfig, 'realtime' | 'redis' | 'documents'> {
  /** Of each who has a token. */
  readonly budget: TierNumbers;
  /** Default: `mine`'s topics end without points. */
  readonly whenEmpty?: 'skip';
  readonly environment?: GatewayOptions['environment'];
}

/** Opens a gateway on a free port of loopback. */
export async function openPricedEvents(options: PricedEventsOptions): Promise<PricedEvents> {
  const { budget, whenEmpty, environment = {}, ...config } = options;
  let ends = 0;
  const gateway = createGateway(
    {
      schema: buildSchema(whenEmpty, () => {
        ends += 1;
      }),
      upstreams: {},
      ...config,
      server: { port: 0, adminPort: 0 },
      realtime: { drainWindowMs: 0, ...config.realtime },
      policy: createBudgetPolicy({ principal: budget, anonymous: wealth, operationLimitPoints: 1000 }),
    },
    { log: createLog('silent'), environment },
  );
  const { url, adminUrl } = await gateway.start();
  const tokenOf = (sub: string) =>
    signDevelopmentToken({ sub, issuer: 'weir-development', audience: 'weir' }, systemClock);
  const metrics = async () => (await fetch(`${adminUrl}/metrics`)).text();
  return {
    url,
    ownEnds: () => ends,
    tokenOf,
    publish: async (feed, first, last) => {
      const query =
        'query ($feed: String!, $first: Int!, $last: Int!) { publish(feed: $feed, first: $first, last: $last) }';
      const { json } = await post(url, { query, variables: { feed, first, last } });
      if (json.errors) throw new Error(JSON.stringify(json.errors));
    },
    untilSubscribed: async (count) => {
      for (let text = ''; !text.includes(`\nweir_subscriptions ${count}\n`); ) text = await metrics();
    },
    subscriptionEnds: async () => (await metrics()).match(/(?<=^weir_subscription_ends_total)\{.*$/gm) ?? [],
    storeFailures: async () => Number(/^weir_budget_store_failures (\d+)$/m.exec(await metrics())?.[1] ?? 0),
    pointsOf: async (subject) => {
      const authorization = `Bearer ${await tokenOf(subject)}`;
      const { json } = await post(url, { query: '{ left }' }, { authorization, 'graphql-cost': 'validate' });
      const { extensions } = json as {
        extensions?: { cost: { throttleStatus: { currentlyAvailable: number } } };
      }; // as: asked for
      return extensions?.cost.throttleStatus.currentlyAvailable ?? Number.NaN;
    },
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

/**
 * Runs a test of exact points, with another gateway and other callers where Redis did not answer in time: a gateway then
 * keeps to its share for a while, and the books are right again only later. At most 5 times.
 */
export async function undisturbed(
  options: PricedEventsOptions,
  test: (gateway: PricedEvents, attempt: number) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await using gateway = await openPricedEvents(options);
    try {
      return await test(gateway, attempt);
    } catch (thrown) {
      if (attempt === 5 || (await gateway.storeFailures()) === 0) throw thrown;
    }
  }
}

function buildSchema(whenEmpty: 'skip' | undefined, onOwnEnd: () => void): GraphQLSchema {
  const builder = createBuilder();
  const NumberType = builder.objectRef<Numbered>('Numbered').implement({
    fields: (t) => ({ number: t.exposeInt('number') }),
  });
  const sourceOf = (feed: Feed) =>
    topicSource<Numbered>({
      key: feed,
      mode: 'log',
      audience: audiences[feed],
      isShared: true,
      ...(whenEmpty && { whenEmpty }),
      read: (payload) => JSON.parse(Buffer.from(payload).toString('utf8')),
    });
  builder.queryType({
    fields: (t) => ({
      left: t.boolean({ resolve: () => true }),
      publish: t.boolean({
        args: {
          feed: t.arg.string({ required: true }),
          first: t.arg.int({ required: true }),
          last: t.arg.int({ required: true }),
        },
        resolve: async (_root, { feed, first, last }, context) => {
          for (let number = first; number <= last; number += 1)
            await context.publish(
              sourceOf(feed === 'mine' ? 'mine' : 'everybody'),
              JSON.stringify({ number }),
            );
          return true;
        },
      }),
    }),
  });
  const resolve = (event: Numbered) => event;
  const feedField = (feed: Feed, cost: number) => ({
    type: NumberType,
    cost,
    subscribe: () => sourceOf(feed),
    resolve,
  });
  builder.subscriptionType({
    fields: (t) => ({
      everybody: t.field(feedField('everybody', eventPoints.dear)),
      mine: t.field(feedField('mine', eventPoints.dear)),
      cheap: t.field(feedField('everybody', eventPoints.cheap)),
      own: t.field({
        type: NumberType,
        cost: eventPoints.dear,
        subscribe: async function* () {
          try {
            for (let number = 1; ; number += 1) yield { number };
          } finally {
            onOwnEnd();
          }
        },
        resolve,
      }),
    }),
  });
  return builder.toSchema();
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
