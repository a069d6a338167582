import { type Client, createClient, type PreparedRequest, postBytes } from './client.ts';
import { chooseCores } from './cores.ts';
import type { HttpAnswer } from './http-answer.ts';
import { type Program, startProgram } from './program.ts';
import type { RunOptions } from './scenario.ts';

/** The servers of feeds: Weir, and what stock packages make of the same graph. */
export type EventServerKind = 'weir' | 'graphql-ws' | 'graphql-sse' | 'ceiling';

const scripts: Readonly<Record<EventServerKind, string>> = {
  weir: 'test/kit/events/gateway.ts',
  'graphql-ws': 'bench/peers/events-ws.ts',
  'graphql-sse': 'bench/peers/events-sse.ts',
  ceiling: 'bench/peers/events-ceiling.ts',
};

/** What to start. */
export interface EventServerOptions {
  readonly name: string;
  readonly kind: EventServerKind;
  /** Of the gateway. */
  readonly settings?: object;
  /** Cores, as `taskset -c` takes them. Default: those of servers under test. */
  readonly cores?: string | undefined;
  /** Another checkout, whose server it is. Default: this one. */
  readonly folder?: string | undefined;
}

/** Starts a server of the feeds; the stack ends it. */
export async function startEventServer(
  stack: AsyncDisposableStack,
  { profileFolder, signal }: Pick<RunOptions, 'profileFolder' | 'signal'>,
  { name, kind, settings = {}, cores = chooseCores()?.server, folder }: EventServerOptions,
): Promise<Program> {
  signal.throwIfAborted();
  const program = await startProgram({
    name,
    args: [scripts[kind], JSON.stringify(settings)],
    cores,
    folder,
    ready: /ready on (http:\S+)/,
    profileFolder,
  });
  stack.defer(() => program.end());
  return program;
}

/** What to publish: `count` events of a feed from number `first` on, with texts of `bytes` characters. */
export interface Publication {
  readonly feed: 'log' | 'mine';
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
}

/** One text for all, as clients have: a text of its own for each event would be parsed and validated with each. */
const mutation = `mutation ($feed: String!, $first: Int!, $count: Int!, $bytes: Int!) {
  publish(feed: $feed, first: $first, count: $count, bytes: $bytes)
}`;

/** The request that publishes. */
export function publishRequest(url: URL, variables: Publication): PreparedRequest {
  return { bytes: postBytes(url, { query: mutation, variables }), assertAnswer: assertSuccess };
}

/** Events that a server has executed so far. */
export async function countExecutions(url: URL): Promise<number> {
  return withClient(url, async (client) => {
    const request = { bytes: postBytes(url, { query: '{ executions }' }), assertAnswer: assertSuccess };
    const { body } = await client.ask(request);
    return (JSON.parse(body.toString('utf8')) as { data: { executions: number } }).data.executions; // as: asked above
  });
}

/** Runs `work` with a connection of its own. */
export async function withClient<Outcome>(
  url: URL,
  work: (client: Client) => Promise<Outcome>,
): Promise<Outcome> {
  const client = await createClient(url, 1);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

function assertSuccess({ status, body }: HttpAnswer): void {
  if (status !== 200 || body.includes('"errors"'))
    throw new Error(`expected an answer without errors, got ${status}: ${body.toString('utf8', 0, 500)}`);
}
