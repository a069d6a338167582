import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Credentials, Identify } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import { type RecordEnd, recordOnce, refusedRecord } from '../operation/record-end.ts';
import type { RequestFacts } from '../operation/request-facts.ts';
import { timeoutFrom } from '../operation/timeout.ts';
import { createDeadline, type OwnedSignal, unlessAborted } from '../signal.ts';
import { acceptedFrom } from './accept.ts';
import { hasRequestIn, parseBody, parseQuery, readBody } from './body.ts';
import { type CompressionSettings, createAnswerSender } from './compression.ts';
import { isPreflight } from './cors.ts';
import { createEdge, type Edge, type EdgeSettings } from './edge.ts';
import { createExplorers } from './explorer.ts';
import { createGraphListener, type SecuredListener } from './graph-listener.ts';
import { createHeaderReader } from './header-reader.ts';
import { type HttpVariant, type ServedVariant, serveVariant } from './http-variant.ts';
import type { SocketSettings } from './listener.ts';
import { asksForPage, assertServable, assertStreamable, graphMethods, streamMethods } from './negotiation.ts';
import type { Peer } from './peer.ts';
import { originOf } from './preflighted.ts';
import { refuse, sendRefusal } from './refusal.ts';
import { lastEventIdFrom } from './stream-answer.ts';
import type { StreamRouter } from './stream-router.ts';
import { createStreams, type StreamOptions, type StreamSettings, type Streams } from './streams.ts';
import type { TlsSettings } from './tls-listener.ts';
import { answerTo, isOfNoAddress } from './tunnel.ts';
import { createVariantRoutes, type Route, type Routed } from './variant-routes.ts';
import type { WsOpening } from './ws-connection.ts';
import { refuseElsewhere } from './ws-server.ts';

/** What the HTTP transport serves. */
export interface HttpOptions
  extends Pick<StreamOptions, 'readTcpTable' | 'revocations' | 'onSubscriptionEnd' | 'onConnectRefused'> {
  /** The first is the one that is meant where none is named. */
  readonly variants: readonly [HttpVariant, ...HttpVariant[]];
  readonly log: Log;
  readonly identify: Identify;
  readonly record: RecordEnd;
  readonly clock: Clock;
  readonly edge: EdgeSettings & SocketSettings & CompressionSettings;
  readonly tls: TlsSettings;
  readonly realtime: StreamSettings;
  /** Sign what event streams are reserved with. */
  readonly streamSecrets: readonly string[];
  /** Leads to the instance that has an event stream; default: there is no other. */
  readonly streamRouter?: StreamRouter;
  /** Whether only pages of this host may connect when no origin is allowed by name. */
  readonly production: boolean;
  /** Whether browsers are given GraphiQL at the graph's path. */
  readonly explorer: boolean;
}

/** Request ids of callers are taken over when they look like this. */
const requestIdPattern = /^[A-Za-z0-9._:-]{1,128}$/;

/** The server of the graph with what it serves beyond single requests. */
export interface GraphServer extends SecuredListener, Pick<Streams, 'drain' | 'finish' | 'openConnections'> {}

/**
 * A server of the graph, not yet listening: HTTP/1.1 and HTTP/2, the latter over TLS or behind a trusted proxy. GraphQL over HTTP; JSON bodies and GET queries; subscriptions over
 * WebSocket, event streams and multipart.
 */
export function createHttpServer(options: HttpOptions): GraphServer {
  const streams = createStreams({
    ...options,
    settings: options.realtime,
    origins: { allowedOrigins: options.edge.allowedOrigins, sameOriginOnly: options.production },
    sender: createAnswerSender(options.edge),
    secrets: options.streamSecrets,
    ...(options.streamRouter ? { router: options.streamRouter } : {}),
    random: Math.random,
  });
  const route = createVariantRoutes(options.variants.map((variant) => serveVariant(variant, streams)));
  const edge = createEdge(edgeSettings(options), options.production);
  const answer = createAnswer(options, edge);
  const refused = new WeakSet<object>();
  const { server, certificate } = createGraphListener(options, (request, response) => {
    // RFC 9112 section 9.6: nothing is taken from a connection behind a request that ends it.
    if (refused.has(request.socket)) return;
    // Once the server is closing, a kept-alive connection has no further request to wait for.
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections();
    });
    void serve(request, response);
  });
  server.on('connect', (request: IncomingMessage, channel: Socket | ServerResponse) => {
    void serve(request, answerTo(request, channel));
  });
  server.on('upgrade', createUpgrade(route, edge));
  const { drain, finish, openConnections } = streams;
  return { server, certificate, drain, finish, openConnections };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = options.clock.nowMs();
    const record = recordOnce(options.record);
    const client = watchClient(response);
    const facts = { ...factsOf(request, response, client.signal), record };
    const { requestId } = facts;
    const peer = edge.begin(request, response);
    const routed = routeOf(route, request, peer);
    const variant = routed?.served.name ?? 'unknown';
    const onRefused = (codes: readonly string[]) =>
      record(refusedRecord({ requestId, variant, codes, durationMs: options.clock.nowMs() - startMs }));
    response.setHeader('x-request-id', requestId);
    try {
      const refusal = edge.headRefusal(request, peer);
      if (refusal) {
        if (request instanceof IncomingMessage) refused.add(request.socket); // a stream of HTTP/2 ends alone
        throw refusal;
      }
      if (!routed) throw notThere(request, options.variants[0]);
      for (const name of routed.vary) response.appendHeader('vary', name);
      await answer({ request, response, peer, unwatch: client.cleanup, routed }, facts);
    } catch (thrown) {
      const error = refuse(thrown, requestId, options.log);
      onRefused([String(error.extensions['code'])]);
      sendRefusal(response, error);
    }
  }
}

function createUpgrade(route: Route<ServedVariant>, edge: Edge) {
  return (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const peer = edge.peerOf(request);
    const routed = routeOf(route, request, peer);
    if (!routed || routed.isStream || routed.documentId) return refuseElsewhere(socket);
    const refusal = edge.headRefusal(request, peer);
    const opening = openingFrom(request, peer);
    routed.served.upgrade(request, socket, head, { opening, host: peer.host, refusal });
  };
}

/** A request and its answer; `unwatch` is for an answer that looks itself whether its client goes. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly peer: Peer;
  readonly unwatch: () => void;
  readonly routed: Routed<ServedVariant>;
}

type Answer = (
  exchange: Exchange,
  facts: Omit<RequestFacts, 'principal' | 'deadlineMs' | 'naming'>,
) => Promise<void>;

/** Answers what can be answered, and rejects with what is to be refused. */
function createAnswer(options: HttpOptions, edge: Edge): Answer {
  const explorer = options.explorer ? createExplorers() : undefined;
  const acceptedBy = createHeaderReader(acceptedFrom);
  return async ({ request, response, peer, unwatch, routed }, facts) => {
    const { url = '' } = request;
    const { served, path, isStream, documentId } = routed;
    if (edge.answersPreflight(request, response, isStream ? streamMethods : graphMethods)) return;
    if (!isStream && !documentId && asksForPage(request)) {
      if (explorer) return explorer(path)(response);
      // A browser that asks for a trusted document by its address says that it wants a page, too.
      if (!hasRequestIn(url)) throw new WeirError('NOT_FOUND', { message: 'There is no page here.' });
    }
    if (isStream) assertStreamable(request);
    else assertServable(request);
    const accepted = acceptedBy(request.headers.accept);
    if (served.turnAwayAtDoor({ request, response, accepted, isSingle: isStream })) return;
    const deadlineMs = options.clock.nowMs() + timeoutFrom(timeoutHeaderOf(request), served.timeoutMs);
    const identified = options.identify(credentialsOf(request, peer));
    const principal =
      identified instanceof Promise
        ? await principalBefore(deadlineMs, identified, options.clock, facts.signal)
        : identified;
    const readParameters = async () =>
      request.method === 'POST'
        ? parseBody(await readBody(request, served.bodyMaxBytes), served.json)
        : parseQuery(url, served.json, documentId);
    if (isStream) {
      unwatch();
      return served.answerSingle({ request, facts: { ...facts, principal }, readParameters }, response);
    }
    const parameters = await readParameters();
    unwatch();
    const { method, lastEventId } = streamedFrom(request, url);
    const origin = originOf(request);
    const known = { ...facts, deadlineMs, principal };
    await served.answer({ method, origin, lastEventId, facts: known, parameters, accepted }, response);
  };
}

function streamedFrom({ method, headers }: IncomingMessage, url: string) {
  return {
    method: method === 'GET' ? 'GET' : 'POST',
    lastEventId: lastEventIdFrom(headers['last-event-id'], url),
  } as const;
}

/** Keys may come from a service that hangs: who asks is not waited for longer than the answer may take. */
async function principalBefore(
  deadlineMs: number,
  identified: Promise<Principal>,
  clock: Clock,
  gone: AbortSignal,
): Promise<Principal> {
  const deadline = createDeadline(Math.max(0, deadlineMs - clock.nowMs()), clock, gone);
  try {
    return await unlessAborted(identified, deadline.signal);
  } finally {
    deadline.cleanup();
  }
}

function credentialsOf(request: IncomingMessage, { address }: Peer): Credentials {
  // `headers` keeps one of several values in silence; Node makes `headersDistinct` when it is read, so it is read late.
  const isGiven = request.headers.authorization !== undefined;
  return {
    authorization: isGiven ? request.headersDistinct['authorization'] : undefined,
    address,
  };
}

function openingFrom(request: IncomingMessage, peer: Peer): WsOpening {
  return {
    ...credentialsOf(request, peer),
    requestId: requestIdOf(request.headers),
    traceparent: headerOf(request.headers['traceparent']),
  };
}

function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headerOf(headers['x-request-id']);
  return given !== undefined && requestIdPattern.test(given) ? given : randomUUID();
}

function factsOf(
  { headers }: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Omit<RequestFacts, 'principal' | 'record' | 'deadlineMs' | 'naming'> {
  return {
    requestId: requestIdOf(headers),
    traceparent: headerOf(headers['traceparent']),
    costHeader: headerOf(headers['graphql-cost']),
    idempotencyHeader: headerOf(headers['idempotency-key']),
    setHeader: (name, value) => {
      if (!response.headersSent) response.setHeader(name, value);
    },
    signal,
  };
}

/** The signal of a client that goes before its answer is complete, and what ends the watch. */
function watchClient(response: ServerResponse): OwnedSignal {
  const gone = new AbortController();
  const onClose = () => {
    if (!response.writableFinished) gone.abort(new DOMException('The client has gone.', 'AbortError'));
  };
  response.once('close', onClose);
  return { signal: gone.signal, cleanup: () => response.off('close', onClose) };
}

function timeoutHeaderOf({ headers }: IncomingMessage): string | undefined {
  return headerOf(headers['weir-timeout-ms']);
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Pages of other origins may send the headers that variants are told apart by. */
function edgeSettings({ edge, variants }: HttpOptions): EdgeSettings {
  const names = variants.flatMap(({ header }) => (header ? [header.name] : []));
  return { ...edge, allowedHeaders: [...edge.allowedHeaders, ...new Set(names)] };
}

function routeOf(
  route: Route<ServedVariant>,
  request: IncomingMessage,
  { host }: Peer,
): Routed<ServedVariant> | undefined {
  const { url = '', headers } = request;
  return route(pathOf(url), isPreflight(request) ? undefined : headers, host);
}

function notThere({ method, url = '' }: IncomingMessage, { paths: [path = '/'] }: HttpVariant): WeirError {
  if (isOfNoAddress(method, url))
    return new WeirError('METHOD_NOT_ALLOWED', { message: `Expected GET or POST, got ${method}.` });
  return new WeirError('NOT_FOUND', {
    message: `Expected a request to ${path}, got ${pathOf(url).slice(0, 100)}.`,
  });
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}
