import { randomUUID } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';

/** An answer over HTTP/1.1, as it came. */
export interface RawAnswer {
  readonly status: number;
  /** Names and values of the headers, one a line. */
  readonly head: string;
  readonly text: string;
  /** From sending to the last byte. */
  readonly durationMs: number;
}

/** Sends one operation; the request can be destroyed at any time, and then `answer` rejects. */
export interface Sent {
  readonly request: ClientRequest;
  readonly answer: Promise<RawAnswer>;
}

/** What is sent. */
export interface Operation {
  readonly query: string;
  readonly variables?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** How much of the body is sent, 0 to 1 (1); of less the rest never comes. */
  readonly bodyShare?: number;
}

export interface HttpClient {
  readonly send: (operation: Operation) => Sent;
  /** Ends the kept-alive connections. */
  readonly close: () => void;
}

/** A client with up to `maxSockets` kept-alive connections; fetch costs several times as much. */
export function createHttpClient(url: string, maxSockets: number): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return { send: (operation) => sendOperation(url, agent, operation), close: () => agent.destroy() };
}

/** Sends one operation on `agent`; false is a connection of its own. */
export function sendOperation(
  url: string,
  agent: Agent | false,
  { query, variables = {}, headers = {}, bodyShare = 1 }: Operation,
): Sent {
  const startedMs = performance.now();
  const body = JSON.stringify({ query, variables });
  const { promise: answer, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const sent = request(
    url,
    {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        'content-length': Buffer.byteLength(body),
        // Each mutation is an intent of its own.
        ...(query.startsWith('mutation') && { 'idempotency-key': randomUUID() }),
        ...headers,
      },
    },
    (response) => readAnswer(response, startedMs, resolve, reject),
  );
  sent.on('error', reject);
  if (bodyShare === 1) sent.end(body);
  else sent.write(body.slice(0, Math.max(1, Math.floor(bodyShare * body.length))));
  return { request: sent, answer };
}

function readAnswer(
  response: IncomingMessage,
  startedMs: number,
  resolve: (answer: RawAnswer) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('error', reject);
  response.on('end', () =>
    resolve({
      status: response.statusCode ?? 0,
      head: response.rawHeaders.join('\n'),
      text: Buffer.concat(chunks).toString(),
      durationMs: performance.now() - startedMs,
    }),
  );
}
