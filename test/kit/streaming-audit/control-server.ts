import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  answer,
  type Control,
  controlBeatMs,
  controlDocuments,
  type Listener,
  publish,
  resultOf,
} from './control.ts';
import { createControlSingle } from './control-single.ts';
import { serveControlSockets } from './control-sockets.ts';
import type { AuditId } from './run-audits.ts';

const largeText = 'x'.repeat(20_000);
/** What a server that never lets go of a client has room for. */
const leakingRoom = 30;

/**
 * A small server that speaks all four transports right, but for the one rule that `fault` names: what convicts an audit
 * that finds nothing.
 */
export async function startControlServer(fault?: AuditId): Promise<AsyncDisposable & { readonly url: URL }> {
  let clients = 0;
  const control: Control = {
    is: (looked) => looked === fault,
    listeners: new Set(),
    hasRoom: (leak) => {
      clients += 1;
      return fault !== leak || clients <= leakingRoom;
    },
  };
  const serve = createControl(control);
  const server = createServer((request, response) => void serve(request, response));
  const closeSockets = serveControlSockets(server, control);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  return {
    url: new URL(`http://127.0.0.1:${port}/graphql`),
    [Symbol.asyncDispose]: async () => {
      closeSockets();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function createControl(control: Control) {
  const { is, listeners } = control;
  const single = createControlSingle(control);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://control');
    const body = await bodyOf(request);
    if (url.pathname.endsWith('/stream')) return single(request, response, url, body);
    if (request.method === 'GET' && is('sse-get')) return answer(response, 405, {});
    const query = request.method === 'GET' ? url.searchParams.get('query') : queryOf(body);
    if (query === undefined) return answer(response, is('sse-malformed') ? 200 : 400, { errors: [] });
    const result = resultOf(query);
    if (result === 'mutation') {
      await publish(listeners, query === controlDocuments.publishLarge ? largeText : 'small');
      return answer(response, 200, { data: { published: true } });
    }
    const { accept = '' } = request.headers;
    if (wantsStream(control, accept))
      return stream(control, response, result, request.headers['last-event-id']);
    if (wantsParts(control, accept)) return parts(control, response, result);
    if (result !== 'subscription') return answer(response, 'errors' in result ? 400 : 200, result);
    if (is('sse-accept-json')) response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    else answer(response, 406, { errors: [{ message: 'Accept a stream.' }] });
  };
}

function wantsStream({ is }: Control, accept: string): boolean {
  if (is('sse-accept-list')) return accept === 'text/event-stream';
  const text = is('sse-accept-weights') ? accept : accept.toLowerCase();
  return (
    text.includes('text/event-stream') && (is('sse-accept-zero') || !/event-stream;q=0(?![.\d])/.test(text))
  );
}

function wantsParts({ is }: Control, accept: string): boolean {
  const own = 'multipart/mixed;subscriptionSpec=1.0';
  return is('multipart-accept') ? accept === own : /multipart\/mixed.*subscriptionspec/i.test(accept);
}

/** One operation as an event stream. */
function stream(
  control: Control,
  response: ServerResponse,
  result: ReturnType<typeof resultOf>,
  lastId: string | string[] | undefined,
) {
  const { is } = control;
  const isInvalid = typeof result === 'object' && 'errors' in result;
  if (isInvalid && is('sse-invalid')) return answer(response, 400, result);
  if (!control.hasRoom('sse-gone')) return answer(response, 503, {});
  response.writeHead(200, {
    'content-type': is('sse-content-type') ? 'text/plain' : 'text/event-stream',
    ...(!is('sse-cache') && { 'cache-control': 'no-store' }),
  });
  response.write(is('sse-event-names') ? 'event: hello\ndata: {}\n\n' : ':\n\n');
  const extra = is('sse-fields') ? 'number: 1\n' : '';
  const id = is('sse-resume') ? '' : 'id: 1\n';
  const next = (value: object) => {
    const data = is('sse-next-result') ? 'plain' : JSON.stringify(value);
    return written(response, `event: next\n${id}${extra}data: ${data}\n\n`, is('sse-stalled'));
  };
  if (result === 'subscription') {
    if (lastId !== undefined && !is('sse-resume')) void next({ data: { log: 'missed' } });
    if (!is('sse-keep-alive')) beat(response, ':\n\n');
    return listen(control, response, next);
  }
  void next(typeof result === 'object' ? result : {});
  if (!is('sse-query'))
    response.write(is('sse-complete-data') ? 'event: complete\n\n' : 'event: complete\ndata:\n\n');
  if (!is('sse-ends')) response.end();
}

/** One operation in parts. */
function parts(control: Control, response: ServerResponse, result: ReturnType<typeof resultOf>) {
  const { is } = control;
  if (!control.hasRoom('multipart-gone')) return answer(response, 503, {});
  const boundary = is('multipart-type') ? '' : ';boundary=control';
  const spec = is('multipart-spec') ? '' : ';subscriptionSpec=1.0';
  response.writeHead(200, { 'content-type': `multipart/mixed${boundary}${spec}` });
  const delimiter = '\r\n--control';
  const head = `\r\ncontent-type: ${is('multipart-parts') ? 'text/plain' : 'application/json'}\r\n\r\n`;
  const partOf = (json: object) => {
    const part = `${head}${JSON.stringify(json)}`;
    return is('multipart-at-once') ? `${delimiter}${part}` : `${part}${delimiter}`;
  };
  const extra = is('multipart-payload') ? { hasNext: true } : {};
  if (!is('multipart-at-once')) response.write(delimiter);
  response.flushHeaders();
  if (result === 'subscription') {
    if (!is('multipart-heartbeat')) beat(response, partOf({}));
    return listen(control, response, (value) =>
      written(response, partOf({ payload: value, ...extra }), is('multipart-stalled')),
    );
  }
  if (!is('multipart-invalid')) response.write(partOf({ payload: result }));
  response.end(is('multipart-closing') ? '' : '--\r\n');
}

function listen({ listeners }: Control, response: ServerResponse, listener: Listener): void {
  listeners.add(listener);
  response.once('close', () => listeners.delete(listener));
}

function beat(response: ServerResponse, text: string): void {
  const timer = setInterval(() => response.write(text), controlBeatMs);
  response.once('close', () => clearInterval(timer));
}

/** Writes; resolves when it may go on, for one that waits. */
function written(response: ServerResponse, text: string, waits: boolean): Promise<void> | undefined {
  if (response.write(text) || !waits) return undefined;
  return once(response, 'drain').then(() => delay(0));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON
  }
}

function queryOf(body: unknown): unknown {
  return Object(body).query;
}
