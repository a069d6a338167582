import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buildSchema, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createIdentify, type Identify } from '../../src/identity/identify.ts';
import type { OperationRecord } from '../../src/observe/operation-record.ts';
import type { OperationContext } from '../../src/operation/context.ts';
import type { RequestFacts } from '../../src/operation/pipeline.ts';
import { createHttpServer, type GraphServer, type HttpOptions } from '../../src/transport/http.ts';
import type { ConnectRefusal, SubscriptionEnd } from '../../src/transport/stream-parts.ts';
import type { StreamRouter } from '../../src/transport/stream-router.ts';
import type { StreamSettings } from '../../src/transport/streams.ts';
import type { ReadTcpTable } from '../../src/transport/tcp-table.ts';
import { plainText, testEdgeSettings } from './edge-settings.ts';
import { testStreamSettings } from './stream-settings.ts';
import { createTestTopic, type TestTopic } from './test-topic.ts';
import { createCollectingLog } from './tiny-gateway.ts';

/** What the pipeline saw of one operation. */
export type SeenContext = RequestFacts & {
  readonly params?: { readonly extensions?: Record<string, unknown> };
};

export interface StreamServer extends AsyncDisposable {
  readonly url: string;
  readonly wsUrl: string;
  readonly graph: GraphServer;
  /** Of `subscription { event }`. */
  readonly topic: TestTopic;
  readonly ends: SubscriptionEnd[];
  /** Connections for which there was no room. */
  readonly refusals: ConnectRefusal[];
  readonly records: OperationRecord[];
  readonly contexts: SeenContext[];
  /** What `slow` waits for. */
  readonly gate: { open: () => void; readonly opened: Promise<void> };
}

export interface StreamServerOptions {
  readonly settings?: Partial<StreamSettings>;
  readonly edge?: Partial<HttpOptions['edge']>;
  readonly tls?: Partial<HttpOptions['tls']>;
  readonly clock?: Clock;
  readonly identify?: Identify;
  readonly production?: boolean;
  readonly router?: StreamRouter;
  readonly readTcpTable?: ReadTcpTable;
  readonly revocations?: NonNullable<HttpOptions['revocations']>;
}

const typeDefs = `
  type Query { hello: String slow: String big(bytes: Int!): String }
  type Mutation { touch: Int }
  type Subscription { event: Event denied: Event }
  scalar Event
`;

/** The transports on a free port of loopback, before a pipeline whose events a test pushes by hand. */
export async function openStreamServer(options: StreamServerOptions = {}): Promise<StreamServer> {
  const topic = createTestTopic();
  const ends: SubscriptionEnd[] = [];
  const refusals: ConnectRefusal[] = [];
  const records: OperationRecord[] = [];
  const contexts: SeenContext[] = [];
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const gate = { open, opened };
  const served = (name: string, path: string) => ({
    name,
    paths: [path],
    hosts: [],
    header: undefined,
    schema: buildTestSchema(gate.opened),
    cachePolicyOf: () => undefined,
    pipeline: testPipeline(topic, contexts),
    bodyMaxBytes: 65_536,
    json: { jsonMaxDepth: 32, jsonMaxMembers: 10_000 },
    timeoutMs: 5000,
  });
  const graph = createHttpServer({
    variants: [served('web', '/graphql'), served('mobile', '/mobile/graphql')],
    log: createCollectingLog(),
    identify: options.identify ?? createIdentify(undefined),
    record: (record) => void records.push(record),
    clock: options.clock ?? systemClock,
    edge: { ...testEdgeSettings, ...options.edge },
    tls: { ...plainText, ...options.tls },
    realtime: { ...testStreamSettings, ...options.settings },
    streamSecrets: ['a secret of the test, 32 bytes long'],
    ...(options.router ? { streamRouter: options.router } : {}),
    ...(options.readTcpTable ? { readTcpTable: options.readTcpTable } : {}),
    ...(options.revocations ? { revocations: options.revocations } : {}),
    onSubscriptionEnd: (end) => void ends.push(end),
    onConnectRefused: (refusal) => void refusals.push(refusal),
    production: options.production ?? false,
    explorer: false,
  });
  await graph.certificate?.load();
  graph.server.listen(0, '127.0.0.1');
  await once(graph.server, 'listening');
  const { port } = graph.server.address() as AddressInfo; // as: a TCP server that listens has one
  const url = `${graph.certificate ? 'https' : 'http'}://127.0.0.1:${port}/graphql`;
  return {
    url,
    wsUrl: url.replace('http', 'ws'),
    graph,
    topic,
    ends,
    refusals,
    records,
    contexts,
    gate,
    [Symbol.asyncDispose]: async () => {
      gate.open();
      const closed = once(graph.server, 'close');
      graph.server.close();
      void graph.drain();
      graph.server.closeAllConnections();
      await closed;
    },
  };
}

function buildTestSchema(opened: Promise<void>) {
  const schema = buildSchema(typeDefs);
  const query = schema.getQueryType()?.getFields() ?? {};
  const resolve = (name: string, resolver: (args: { bytes: number }) => unknown) =>
    Object.assign(query[name] ?? {}, {
      resolve: (_root: unknown, args: { bytes: number }) => resolver(args),
    });
  resolve('hello', () => 'world');
  resolve('slow', async () => {
    await opened;
    return 'done';
  });
  resolve('big', ({ bytes }) => 'x'.repeat(bytes));
  return schema;
}

const denial = new GraphQLError('Not yours.', { extensions: { code: 'FORBIDDEN' } });

/** Stands where the pipeline does: takes the facts, gives the topic for a subscription. */
function testPipeline(topic: TestTopic, contexts: SeenContext[]): Plugin<RequestFacts & OperationContext> {
  return {
    onContextBuilding({ context, extendContext }) {
      if (contexts.length < 100) contexts.push(context as unknown as SeenContext); // as: no resolver reads it
      extendContext({ end: () => {} } as unknown as OperationContext);
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const [definition] = args.document.definitions;
      const text = JSON.stringify(definition);
      if (text.includes('"denied"')) setResultAndStopExecution({ errors: [denial] });
      else setResultAndStopExecution(topic.deliverable as never);
    },
  };
}
