import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real HTTP server for keys whose answer a test sets. */
export interface JwksServer {
  readonly url: string;
  /** Requests that came so far. */
  readonly requests: () => number;
  /** Settles when `count` requests have come in all. */
  readonly requested: (count: number) => Promise<void>;
  /** What every request from now on gets. */
  readonly answer: (handler: (request: IncomingMessage, response: ServerResponse) => void) => void;
  /** Answers with this JSON text. */
  readonly serve: (text: string) => void;
  readonly close: () => Promise<void>;
}

/** A server on a free port of the loopback that answers 404 until told otherwise. */
export async function startJwksServer(): Promise<JwksServer> {
  let handle = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(404).end();
  };
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    handle(request, response);
    server.emit('counted');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens
  const answer: JwksServer['answer'] = (handler) => {
    handle = handler;
  };
  return {
    url: `http://127.0.0.1:${port}/keys?tenant=canary-query`,
    requests: () => count,
    requested: async (expected) => {
      while (count < expected) await once(server, 'counted');
    },
    answer,
    serve: (text) => {
      answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      });
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
