import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { expect } from 'vitest';
import type { AnswerBody } from './tiny-gateway.ts';

/** One attack: a GraphQL request that is sent as it stands, as JSON. */
export interface Threat {
  readonly query: string;
  readonly variables?: unknown;
  /** JSON of the variables, where a value of it could not be written. */
  readonly variablesText?: string;
  readonly operationName?: string;
}

export interface ThreatAnswer {
  readonly status: number;
  readonly codes: readonly string[];
  readonly body: AnswerBody;
  /** CPU of this thread from sending the request to having its answer, in milliseconds. */
  readonly cpuMs: number;
}

/** Counting which lines run makes loops over characters several times as slow: see vitest.config.ts. */
const slowness = process.env['COVERAGE'] === 'true' ? 4 : 1;

/** Most CPU that an operation may take which is refused, in milliseconds: docs/promises.md. */
export const maxCpuMs = 25 * slowness;

const runs = 6;
/** A machine that is busy with something else makes CPU time longer, and never shorter: the best of so many means counts. */
const rounds = 4;

/**
 * Sends an attack a few times, never the same text twice so that no cache answers, and then an operation of a good
 * client, which must be answered. The first time warms up the code and is not measured; of the others the mean counts, for
 * the clock of a thread's CPU is coarse. It holds the client's own part, too.
 */
export async function attack(
  url: string,
  threat: Threat,
  headers: Readonly<Record<string, string>> = {},
): Promise<ThreatAnswer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    let answer = await send(url, bodyOf(threat, 0), headers, agent);
    let cpuMs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds && cpuMs > maxCpuMs; round += 1) {
      let meanMs = 0;
      for (let run = 1; run <= runs; run += 1) {
        const body = bodyOf(threat, round * runs + run);
        const before = process.threadCpuUsage();
        answer = await send(url, body, headers, agent);
        const { user, system } = process.threadCpuUsage(before);
        meanMs += (user + system) / 1000 / runs;
      }
      cpuMs = Math.min(cpuMs, meanMs);
    }
    const good = await send(url, JSON.stringify({ query: '{ __typename }' }), headers, agent);
    expect(good).toEqual({ status: 200, text: '{"data":{"__typename":"Query"}}' });
    const body: AnswerBody = JSON.parse(answer.text);
    const codes = (body.errors ?? []).map(({ extensions }) => extensions.code);
    return { status: answer.status, codes, body, cpuMs };
  } finally {
    agent.destroy();
  }
}

/** Blanks behind the document make another text of it. */
function bodyOf({ query, variables, variablesText, operationName }: Threat, run: number): string {
  const text = JSON.stringify({ query: query + ' '.repeat(run), variables, operationName });
  return variablesText === undefined ? text : `${text.slice(0, -1)},"variables":${variablesText}}`;
}

async function send(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  agent: Agent,
): Promise<{ readonly status: number; readonly text: string }> {
  const client = request(url, {
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...headers,
    },
  });
  client.end(body);
  const [response] = await once(client, 'response');
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}
