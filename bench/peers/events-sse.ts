// Subscriptions over SSE as the guide of graphql-sse sets them up; mutations are answered beside them.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHandler } from 'graphql-sse/lib/use/http';
import { createYoga } from 'graphql-yoga';
import { buildPeerSchema } from './event-schema.ts';

const schema = buildPeerSchema();
const handle = createHandler({ schema });
/** For what is no stream. */
const yoga = createYoga({ schema, logging: false });

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  if (request.headers.accept === 'text/event-stream') void handle(request, response);
  else void yoga(request, response);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  console.log(`ready on http://127.0.0.1:${port}/graphql`);
});
