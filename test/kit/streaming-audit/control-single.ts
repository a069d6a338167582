import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, type Control, type Listener, resultOf } from './control.ts';

/** The single connection mode of a control. */
export function createControlSingle(control: Control) {
  const { is } = control;
  const streams = new Map<string, { response: ServerResponse | undefined; ids: Map<string, Listener> }>();
  const open = (response: ServerResponse, token: string) => {
    const own = streams.get(token);
    if (!own || (own.response && !is('single-one-stream'))) return answer(response, own ? 409 : 404, {});
    own.response = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
    response.once('close', () => {
      for (const listener of own.ids.values()) control.listeners.delete(listener);
      if (!is('single-gone')) streams.delete(token);
    });
  };
  const begin = (response: ServerResponse, token: string, body: unknown) => {
    const own = streams.get(token);
    if (!own) return answer(response, is('single-unknown') ? 202 : 404, {});
    const { query, extensions } = Object(body);
    const id = extensions?.operationId ?? (is('single-no-id') ? 'none' : undefined);
    if (id === undefined) return answer(response, 400, {});
    if (own.ids.has(id) && !is('single-duplicate')) return answer(response, 409, {});
    const result = resultOf(query);
    const isInvalid = typeof result === 'object' && 'errors' in result;
    const told = is('single-subscription') ? ([...own.ids.keys()][0] ?? id) : id;
    const listener: Listener = (payload) => {
      const data = is('single-query') ? payload : { id: told, payload };
      own.response?.write(`event: next\ndata: ${JSON.stringify(data)}\n\n`);
    };
    if (!isInvalid || is('single-id-freed')) own.ids.set(id, listener);
    if (isInvalid && !is('single-invalid')) return answer(response, 400, result);
    answer(response, 202, {});
    if (result === 'subscription') return void control.listeners.add(listener);
    void listener(Object(result));
    own.response?.write(`event: complete\ndata: ${JSON.stringify({ id })}\n\n`);
    own.ids.delete(id);
  };
  return (request: IncomingMessage, response: ServerResponse, url: URL, body: unknown): void => {
    const header = is('single-open') && request.method === 'GET' ? undefined : request.headers[tokenHeader];
    const address = is('single-open-address') ? undefined : url.searchParams.get('token');
    const token = String(header ?? address);
    if (request.method === 'PUT') {
      const fresh = is('single-tokens') ? 'short' : randomUUID();
      streams.set(fresh, { response: undefined, ids: new Map() });
      response.writeHead(is('single-reserve') ? 200 : 201, { 'content-type': 'text/plain' }).end(fresh);
    } else if (request.method === 'GET') {
      const isWanted = !is('single-open-list') || request.headers.accept === 'text/event-stream';
      if (isWanted) open(response, token);
      else answer(response, 404, {});
    } else if (request.method === 'POST') begin(response, token, body);
    else {
      const own = streams.get(token);
      const id = url.searchParams.get('operationId') ?? '';
      const listener = own?.ids.get(id);
      if (listener && !is('single-stop')) control.listeners.delete(listener);
      own?.ids.delete(id);
      answer(response, own || is('single-unknown') ? 200 : 404, {});
    }
  };
}

const tokenHeader = 'x-graphql-event-stream-token';
