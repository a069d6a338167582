// The shop's services from memory: learns from the real ones whatever it is asked for the first time, and counts calls.
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  BatchGetProductsRequest,
  BatchGetProductsResponse,
  CatalogServiceService,
} from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { OrderServiceService } from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import {
  BatchGetUsersRequest,
  BatchGetUsersResponse,
  UserServiceService,
} from '../../upstream-protos/gen/shop/users/v1/users.ts';

/** The messages that answer a request, encoded. */
type Answer = (
  request: Buffer,
  headers: IncomingHttpHeaders,
) => Promise<readonly Buffer[]> | readonly Buffer[];

interface BatchGet {
  readonly ids: string[];
  readonly readMask: string[] | undefined;
}

const origin = new Client(process.argv[2] ?? '', credentials.createInsecure());
const { batchGetProducts } = CatalogServiceService;
const { batchGetUsers } = UserServiceService;
const { listOrders } = OrderServiceService;

const answers: Readonly<Record<string, Answer>> = {
  [listOrders.path]: answerWhole(listOrders.path),
  [batchGetProducts.path]: answerByKey({
    path: batchGetProducts.path,
    read: (bytes) => BatchGetProductsRequest.decode(bytes),
    write: (request) => Buffer.from(BatchGetProductsRequest.encode(request).finish()),
    rowsOf: (bytes) =>
      BatchGetProductsResponse.decode(bytes).products.map((row) => [
        row.id,
        Buffer.from(BatchGetProductsResponse.encode({ products: [row] }).finish()),
      ]),
  }),
  [batchGetUsers.path]: answerByKey({
    path: batchGetUsers.path,
    read: (bytes) => BatchGetUsersRequest.decode(bytes),
    write: (request) => Buffer.from(BatchGetUsersRequest.encode(request).finish()),
    rowsOf: (bytes) =>
      BatchGetUsersResponse.decode(bytes).users.map((row) => [
        row.id,
        Buffer.from(BatchGetUsersResponse.encode({ users: [row] }).finish()),
      ]),
  }),
};

const none = Buffer.alloc(0);
let calls = 0;

// Below gRPC's own server, which costs several times as much: on two cores the load shares one with this process.
const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => void serve(stream, headers, Buffer.concat(chunks).subarray(5)));
  // A client that is ended with the benchmark cuts its calls off.
  stream.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // as: a TCP server that listens has one
  console.log(`ready on 127.0.0.1:${port}`);
});
process.on('message', (message) => {
  if (message === 'calls') process.send?.({ calls });
});

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  request: Buffer,
): Promise<void> {
  calls += 1;
  let trailers: Record<string, string> = { 'grpc-status': '0' };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  try {
    const answer = answers[String(headers[':path'])];
    if (!answer) throw new Error(`nothing is known of ${headers[':path']}`);
    for (const message of await answer(request, headers)) stream.write(message);
  } catch (thrown) {
    trailers = { 'grpc-status': '13', 'grpc-message': encodeURIComponent(String(thrown)) };
  }
  stream.end();
}

/** The same answer to the same bytes. */
function answerWhole(path: string): Answer {
  const known = new Map<string, readonly Buffer[]>();
  return async (request, headers) => {
    const key = request.toString('latin1');
    const found = known.get(key) ?? framed(await askOrigin(path, request, headers));
    known.set(key, found);
    return found;
  };
}

/** Each key's row apart, so that a batch of keys that never met before is known too. */
function answerByKey(method: {
  readonly path: string;
  readonly read: (bytes: Buffer) => BatchGet;
  readonly write: (request: BatchGet) => Buffer;
  readonly rowsOf: (bytes: Buffer) => readonly (readonly [id: string, bytes: Buffer])[];
}): Answer {
  const rowsByMask = new Map<string, Map<string, Buffer>>();
  return async (bytes, headers) => {
    const request = method.read(bytes);
    const mask = request.readMask?.join() ?? '';
    const rows = rowsByMask.get(mask) ?? new Map<string, Buffer>();
    rowsByMask.set(mask, rows);
    const missing = request.ids.filter((id) => !rows.has(id));
    if (missing.length > 0) {
      const [response = none] = await askOrigin(
        method.path,
        method.write({ ...request, ids: missing }),
        headers,
      );
      for (const id of missing) rows.set(id, none);
      for (const [id, row] of method.rowsOf(response)) rows.set(id, row);
    }
    return framed([Buffer.concat(request.ids.map((id) => rows.get(id) ?? none))]);
  };
}

async function askOrigin(path: string, request: Buffer, headers: IncomingHttpHeaders): Promise<Buffer[]> {
  const asIs = (bytes: Buffer) => bytes;
  // A unary answer is a stream of one message on the wire.
  const caller = Object.entries(headers).filter(([name]) => name.startsWith('x-weir-'));
  const metadata = Metadata.fromHttp2Headers(Object.fromEntries(caller));
  const stream = origin.makeServerStreamRequest(path, asIs, asIs, request, metadata);
  return (await stream.toArray()) as Buffer[]; // as: what asIs gives
}

/** gRPC over HTTP/2, Length-Prefixed-Message: not compressed, length, message. */
function framed(messages: readonly Buffer[]): readonly Buffer[] {
  return messages.map((message) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  });
}
