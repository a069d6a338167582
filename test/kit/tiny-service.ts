import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** Messages are JSON, so that the service needs no proto. */
function method<Request, Response>(name: string) {
  return {
    path: `/tiny.v1.Library/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: Request) => Buffer.from(JSON.stringify(value)),
    requestDeserialize: (bytes: Buffer): Request => JSON.parse(bytes.toString()),
    responseSerialize: (value: Response) => Buffer.from(JSON.stringify(value)),
    responseDeserialize: (bytes: Buffer): Response => JSON.parse(bytes.toString()),
  } as const;
}

export interface Book {
  readonly id: string;
  readonly title: string;
  readonly shelfId: string;
  readonly pageCount: number;
}

export interface Shelf {
  readonly id: string;
  readonly label: string;
}

export interface ListRequest {
  readonly size: number;
  readonly after: string;
  readonly before: string;
  readonly backward: boolean;
  readonly skip: number;
}

export interface ListResponse {
  readonly books: readonly Book[];
  readonly positions: readonly string[];
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  readonly totalCount: number;
}

export interface GetRequest {
  readonly ids: readonly string[];
  readonly readMask?: readonly string[];
}

/** The service as ts-proto would describe it. */
export const library = {
  getBooks: method<GetRequest, { readonly rows: readonly Book[] }>('GetBooks'),
  getShelves: method<GetRequest, { readonly rows: readonly Shelf[] }>('GetShelves'),
  listBooks: method<ListRequest, ListResponse>('ListBooks'),
};

type Call = ServerUnaryCall<never, never>;
type Handler = (call: Call, reply: sendUnaryData<never>) => void;
export type MethodName = keyof typeof library;

/** One RPC as the service saw it. */
export interface SeenCall {
  readonly method: MethodName;
  readonly request: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Resolves when the service learns of the cancellation. */
  readonly cancelled: Promise<void>;
}

export interface TinyService extends AsyncDisposable {
  readonly target: string;
  readonly calls: readonly SeenCall[];
  /** The next call of a method. */
  readonly nextCall: (name: MethodName) => Promise<SeenCall>;
  /** Replaces how a method answers. */
  readonly behave: (name: MethodName, handler: Handler) => void;
}

export const bookCount = 40;

/** Book 7 is "Book 7" on shelf 7 % 3; positions are its number. */
export const books: readonly Book[] = Array.from({ length: bookCount }, (_, index) => ({
  id: String(index + 1),
  title: `Book ${index + 1}`,
  shelfId: String((index + 1) % 3),
  pageCount: 100 + index,
}));

/** Serves the library on a free port of loopback. */
export async function serveLibrary(): Promise<TinyService> {
  const server = new Server();
  const calls: SeenCall[] = [];
  const waiting: { readonly name: MethodName; readonly resolve: (call: SeenCall) => void }[] = [];
  const handlers: Record<MethodName, Handler> = { ...defaults };
  const watched =
    (name: MethodName): Handler =>
    (call, reply) => {
      const { promise: cancelled, resolve } = Promise.withResolvers<void>();
      call.once('cancelled', resolve);
      const seen = { method: name, request: call.request, metadata: call.metadata.getMap(), cancelled };
      calls.push(seen);
      for (const waiter of waiting.splice(0)) {
        if (waiter.name === name) waiter.resolve(seen);
        else waiting.push(waiter);
      }
      handlers[name](call, reply);
    };
  const implementation = Object.fromEntries(
    Object.keys(library).map((name) => [name, watched(name as MethodName)]),
  ) as UntypedServiceImplementation; // the names are the service's own
  server.addService(library, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    target: `127.0.0.1:${port}`,
    calls,
    nextCall: (name) => new Promise((resolve) => waiting.push({ name, resolve })),
    behave: (name, handler) => {
      handlers[name] = handler;
    },
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

const defaults: Record<MethodName, Handler> = {
  getBooks: answer(({ ids }: GetRequest) => ({ rows: books.filter(({ id }) => ids.includes(id)) })),
  getShelves: answer(({ ids }: GetRequest) => ({ rows: ids.map((id) => ({ id, label: `Shelf ${id}` })) })),
  listBooks: answer(listBooks),
};

function answer<Request>(respond: (request: Request) => unknown): Handler {
  return (call, reply) => reply(null, respond(call.request) as never); // the codec is JSON
}

function listBooks({ size, after, before, backward, skip }: ListRequest): ListResponse {
  const from = (after === '' ? 0 : Number(after)) + skip;
  const to = before === '' ? bookCount : Number(before) - 1;
  const range = books.slice(from, Math.max(from, to));
  const page = backward ? range.slice(Math.max(0, range.length - size)) : range.slice(0, size);
  const first = Number(page[0]?.id ?? from + 1);
  const last = Number(page.at(-1)?.id ?? from);
  return {
    books: page,
    positions: page.map(({ id }) => id),
    hasBefore: first > 1,
    hasAfter: last < bookCount,
    totalCount: bookCount,
  };
}
