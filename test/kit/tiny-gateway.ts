import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type Log,
  type WeirConfig,
} from '../../src/index.ts';
import { buildTinySchema, createProbe, type Probe } from './tiny-schema.ts';
import { serveLibrary, type TinyService } from './tiny-service.ts';

/** One line that the gateway logged. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface CollectingLog extends Log {
  /** All but the one line of each operation. */
  readonly lines: LogLine[];
  /** What the one line of each operation says. */
  readonly operations: LogLine['fields'][];
}

/** An answer over HTTP with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: AnswerBody;
}

export interface AnswerBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly AnswerError[];
}

export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly locations?: unknown;
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: string };
}

export interface TinyGateway extends AsyncDisposable {
  readonly url: string;
  readonly adminUrl: string;
  readonly gateway: Gateway;
  readonly service: TinyService;
  readonly probe: Probe;
  readonly log: CollectingLog;
  /** Posts one operation as JSON. */
  readonly ask: (query: string, variables?: object, headers?: Record<string, string>) => Promise<Answer>;
}

/** A gateway on a free port of loopback in front of the tiny library; all of it ends with the test's scope. */
export async function openTinyGateway(
  config: Partial<WeirConfig> = {},
  options: GatewayOptions = {},
): Promise<TinyGateway> {
  const service = await serveLibrary();
  const probe = createProbe();
  const log = createCollectingLog();
  const gateway = createGateway(
    {
      schema: buildTinySchema(probe),
      upstreams: { library: { target: service.target } },
      // The tiny schema has lists without sizes, which have no price.
      budget: { mode: 'off' },
      ...config,
      server: { port: 0, adminPort: 0, ...config.server },
    },
    { log, ...options },
  );
  const close = async () => {
    await gateway.close();
    await service[Symbol.asyncDispose]();
  };
  const { url, adminUrl } = await gateway.start().catch(async (thrown: unknown) => {
    await close();
    throw thrown;
  });
  return {
    url,
    adminUrl,
    gateway,
    service,
    probe,
    log,
    ask: (query, variables, headers) => post(url, { query, variables }, headers),
    [Symbol.asyncDispose]: close,
  };
}

/** A log that keeps its lines. */
export function createCollectingLog(): CollectingLog {
  const lines: LogLine[] = [];
  const operations: LogLine['fields'][] = [];
  const collect =
    (level: LogLine['level']) =>
    (fields: object, message = '') => {
      if (message === 'operation') operations.push({ ...fields });
      else lines.push({ level, fields: { ...fields }, message });
    };
  const log = { info: collect('info'), warn: collect('warn'), error: collect('error') };
  return { ...(log as unknown as Log), lines, operations }; // pino's overloads cannot be written as one function
}

/** Posts `body` as JSON, accepting GraphQL's own media type unless `headers` say otherwise. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return send(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...headers,
    },
    body: typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body),
  });
}

/** Tells that no page wrote the document in a URL; see originOf. */
export const preflighted = { 'graphql-require-preflight': '1' };

/** Sends any request and reads its answer; `json` is {} when the answer is none. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  const json: AnswerBody = isJson && text !== '' ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, json };
}

/** The codes of an answer's errors, in order. */
export function codesOf({ json }: Answer): readonly string[] {
  return (json.errors ?? []).map(({ extensions }) => extensions.code);
}
