// Subscriptions over WebSocket as Yoga's guide sets them up: graphql-ws on ws, executed by Yoga's own pipeline.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { useServer } from 'graphql-ws/use/ws';
import { createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { buildPeerSchema } from './event-schema.ts';

const yoga = createYoga({ schema: buildPeerSchema(), logging: false });
const server = createServer(yoga);
const webSockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint });

/** What Yoga's guide puts into the context, so that its plugins and its execution are used. */
interface RootValue {
  readonly execute: (args: unknown) => never;
  readonly subscribe: (args: unknown) => never;
}

useServer(
  {
    execute: (args) => (args.rootValue as RootValue).execute(args), // as: set below
    subscribe: (args) => (args.rootValue as RootValue).subscribe(args), // as: set below
    onSubscribe: async (context, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...context,
        req: context.extra.request,
        socket: context.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length > 0 ? errors : args;
    },
  },
  webSockets,
);

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  console.log(`ready on http://127.0.0.1:${port}/graphql`);
});
