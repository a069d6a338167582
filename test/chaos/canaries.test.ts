import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { credentials, Server as GrpcServer, Metadata, ServerCredentials, status } from '@grpc/grpc-js';
import {
  GraphQLError,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import {
  BadRequest,
  DebugInfo,
  ErrorInfo,
  Help,
  PreconditionFailure,
  QuotaFailure,
  RequestInfo,
  ResourceInfo,
} from 'nice-grpc-error-details';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createGateway,
  createLog,
  type ErrorCode,
  errorTable,
  type OperationContext,
  type UpstreamConfig,
} from '../../src/index.ts';
import { probe } from '../upstream/probe.ts';
import { detail, richStatus } from '../upstream/rich-status.ts';
import { testCertificate } from '../upstream/test-certificate.ts';
import { canariesIn, canary } from './canary.ts';
import { printFigures } from './figures.ts';
import { type RawAnswer, sendOperation } from './http-client.ts';

type CodeName = keyof typeof status;

/** What a client reads for each code that a service answers with (docs/errors.md); undefined: the data. */
const codeOfAnswer: Readonly<Record<CodeName, ErrorCode | undefined>> = {
  OK: undefined,
  CANCELLED: 'CANCELLED',
  UNKNOWN: 'INTERNAL_SERVER_ERROR',
  INVALID_ARGUMENT: 'BAD_USER_INPUT',
  DEADLINE_EXCEEDED: 'UPSTREAM_TIMEOUT',
  NOT_FOUND: 'NOT_FOUND',
  ALREADY_EXISTS: 'ALREADY_EXISTS',
  PERMISSION_DENIED: 'FORBIDDEN',
  RESOURCE_EXHAUSTED: 'RATE_LIMITED',
  FAILED_PRECONDITION: 'FAILED_PRECONDITION',
  ABORTED: 'CONFLICT',
  OUT_OF_RANGE: 'BAD_USER_INPUT',
  UNIMPLEMENTED: 'INTERNAL_SERVER_ERROR',
  INTERNAL: 'INTERNAL_SERVER_ERROR',
  UNAVAILABLE: 'UPSTREAM_UNAVAILABLE',
  DATA_LOSS: 'INTERNAL_SERVER_ERROR',
  UNAUTHENTICATED: 'INTERNAL_SERVER_ERROR',
};

/**
 * The same when the call could not be sent: what the service never said is no refusal of the client's. What a plugin may
 * not say in its place becomes INTERNAL (gRFC A54).
 */
const codeOfConnect: Readonly<Partial<Record<CodeName, ErrorCode>>> = {
  CANCELLED: 'CANCELLED',
  DEADLINE_EXCEEDED: 'UPSTREAM_TIMEOUT',
  UNAVAILABLE: 'UPSTREAM_UNAVAILABLE',
};

const codeNames = Object.keys(codeOfAnswer) as CodeName[]; // as: the keys of the table
const publicReason = 'SHELF_IS_FULL';

/** Every member of every detail that is not for clients has the canary. */
function canaryDetails(code: number): Buffer {
  const fields = [{ field: 'parts[0].item_id', description: 'is unknown' }];
  return richStatus(
    code,
    [
      detail(DebugInfo, { stackEntries: [`at ${canary} (${canary}.ts:1:1)`], detail: canary }),
      detail(ErrorInfo, {
        reason: publicReason,
        domain: 'test.example',
        metadata: { note: canary, [canary]: '1' },
      }),
      detail(RequestInfo, { requestId: canary, servingData: canary }),
      detail(ResourceInfo, {
        resourceType: 'test.v1.Shelf',
        resourceName: canary,
        owner: canary,
        description: canary,
      }),
      detail(QuotaFailure, { violations: [{ subject: `project:${canary}`, description: canary }] }),
      detail(PreconditionFailure, { violations: [{ type: 'FULL', subject: canary, description: canary }] }),
      detail(Help, { links: [{ description: canary, url: `https://internal.example/${canary}` }] }),
      detail(BadRequest, { fieldViolations: fields }),
      {
        $type: 'google.protobuf.Any',
        typeUrl: `type.googleapis.com/${canary}`,
        value: Buffer.from(canary),
      } as never, // as: a type that nobody knows
    ],
    canary,
  );
}

const detailsOf = {
  'with details': (code: number) => canaryDetails(code).toString('base64'),
  'without details': () => undefined,
  'with garbage for details': () => Buffer.from(`\xff\xfe${canary}\x08\x96`, 'latin1').toString('base64'),
} as const satisfies Readonly<Record<string, (code: number) => string | undefined>>;

type DetailsName = keyof typeof detailsOf;
const detailsNames = Object.keys(detailsOf) as DetailsName[]; // as: the keys of the table

const stack = `${canary}: failed\n    at ${canary} (/srv/${canary}.ts:1:1)`;

/** The status of a call as trailers: the canary in message, details and a trailer of the service's own. */
function trailersOf(name: CodeName, details: DetailsName): Record<string, string | number> {
  const bytes = detailsOf[details](status[name]);
  return {
    'grpc-status': status[name],
    'grpc-message': encodeURIComponent(name === 'INTERNAL' ? stack : canary),
    'x-debug': canary,
    'x-debug-bin': Buffer.from(canary).toString('base64'),
    ...(bytes === undefined ? {} : { 'grpc-status-details-bin': bytes }),
  };
}

const responseHeaders = {
  ':status': 200,
  'content-type': 'application/grpc',
  server: canary,
  'x-debug': canary,
};
const message = Buffer.from([0, 0, 0, 0, 4, ...Buffer.from('well')]);

/** How a service fails: before any message, or after one. */
const answers = {
  unary: (stream: ServerHttp2Stream, trailers: Record<string, string | number>) => {
    if (trailers['grpc-status'] === 0) answers['server stream'](stream, trailers);
    else stream.respond({ ...responseHeaders, ...trailers }, { endStream: true });
  },
  'server stream': (stream: ServerHttp2Stream, trailers: Record<string, string | number>) => {
    stream.respond(responseHeaders, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(message);
  },
} as const;

type Kind = keyof typeof answers;
const kinds = Object.keys(answers) as Kind[]; // as: the keys of the table
const fieldOf = { unary: 'unary', 'server stream': 'stream' } as const satisfies Readonly<
  Record<Kind, string>
>;

type Context = OperationContext<'service'>;

const schema = new GraphQLSchema({
  query: new GraphQLObjectType<unknown, Context>({
    name: 'Query',
    fields: {
      ok: { type: new GraphQLNonNull(GraphQLString), resolve: () => 'ok' },
      unary: {
        type: GraphQLString,
        resolve: (_root, _args, { upstreams }) => upstreams.service.unary(probe.unary, 'x'),
      },
      stream: {
        type: new GraphQLList(GraphQLString),
        resolve: (_root, _args, { upstreams }) =>
          Array.fromAsync(upstreams.service.serverStream(probe.serverStream, 'x')),
      },
      leak: {
        type: GraphQLString,
        resolve: async (_root, _args, { upstreams }) => {
          const failed = await upstreams.service.unary(probe.unary, 'x').catch((error: Error) => error);
          throw new GraphQLError(String(failed instanceof Error && failed.cause), {
            extensions: { code: 'NOT_FOUND' },
          });
        },
      },
    },
  }),
});

/** A gateway in front of one service, with every line of its log. */
interface Front extends AsyncDisposable {
  readonly lines: string[];
  /** Asks for a field; the request id is the answer's. */
  readonly ask: (field: string) => Promise<RawAnswer & { readonly requestId: string }>;
}

async function openFront(service: UpstreamConfig): Promise<Front> {
  const lines: string[] = [];
  const gateway = createGateway(
    { schema, upstreams: { service }, server: { port: 0, adminPort: 0 }, budget: { mode: 'off' } },
    { log: createLog('info', { write: (line: string) => void lines.push(line) }) },
  );
  const { url } = await gateway.start();
  return {
    lines,
    ask: async (field) => {
      const requestId = crypto.randomUUID();
      const headers = { 'x-request-id': requestId, 'weir-timeout-ms': '2000' };
      return {
        ...(await sendOperation(url, false, { query: `{ ok ${field} }`, headers }).answer),
        requestId,
      };
    },
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

/** A fault of ours or of a service is logged once, with its request; what the client caused is not. */
function assertLogged({ lines }: Front, requestId: string, code: ErrorCode | undefined): void {
  const written = lines.splice(0);
  const faults = written.filter((line) => !line.includes('"msg":"operation"'));
  const isFault = code !== undefined && errorTable[code].httpStatus >= 500;
  expect(faults).toHaveLength(isFault ? 1 : 0);
  for (const line of faults) expect(JSON.parse(line)).toMatchObject({ requestId, msg: 'field failed' });
  const operation = written.filter((line) => line.includes('"msg":"operation"'));
  expect(operation.map((line) => JSON.parse(line).requestId)).toEqual([requestId]);
  for (const line of operation) expect(canariesIn(line)).toEqual([]);
}

interface Body {
  readonly data: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

function assertRefused(
  { text, head, status: httpStatus, requestId }: RawAnswer & { requestId: string },
  field: string,
  code: ErrorCode,
): Body {
  expect(canariesIn(text)).toEqual([]);
  expect(canariesIn(head)).toEqual([]);
  expect(httpStatus).toBe(200);
  const body: Body = JSON.parse(text);
  expect(body).toEqual({
    data: { ok: 'ok', [field]: null },
    errors: [
      {
        message: errorTable[code].message,
        path: [field],
        locations: expect.any(Array),
        extensions: expect.objectContaining({ code }),
      },
    ],
  });
  if (code === 'INTERNAL_SERVER_ERROR') expect(body.errors?.[0]?.extensions).toEqual({ code, requestId });
  return body;
}

let checked = 0;

afterAll(() => printFigures('failures through HTTP, of 17 codes, without a canary', { answers: checked }));

describe('a service that fails', () => {
  let trailers: Record<string, string | number> = {};
  let answer: (typeof answers)[Kind] = answers.unary;
  let server: ReturnType<typeof createHttp2Server>;
  let front: Front;

  beforeAll(async () => {
    server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {}).resume();
      answer(stream, trailers);
    });
    front = await openFront({ target: await listen(server) });
  });

  afterAll(async () => {
    await front?.[Symbol.asyncDispose]();
    server?.close();
  });

  const cells = codeNames.flatMap((name) =>
    kinds.flatMap((kind) => detailsNames.map((details) => ({ name, kind, details }))),
  );

  it.each(cells)(
    '116: shows the code of $name and no more, on a $kind $details',
    async ({ name, kind, details }) => {
      trailers = trailersOf(name, details);
      answer = answers[kind];
      const field = fieldOf[kind];
      const code = codeOfAnswer[name];
      const answered = await front.ask(field);
      checked += 1;
      assertLogged(front, answered.requestId, code);
      if (code === undefined) {
        expect(JSON.parse(answered.text)).toEqual({
          data: { ok: 'ok', [field]: kind === 'unary' ? 'well' : ['well'] },
        });
        expect([...canariesIn(answered.text), ...canariesIn(answered.head)]).toEqual([]);
        return;
      }
      const body = assertRefused(answered, field, code);
      // What is for clients comes through, so that the details were read and not lost.
      const isShown = details === 'with details' && code !== 'INTERNAL_SERVER_ERROR';
      expect(body.errors?.[0]?.extensions['reason']).toBe(
        isShown ? publicReason : name === 'OUT_OF_RANGE' ? 'OUT_OF_RANGE' : undefined,
      );
    },
  );

  it('has the canary in the log, where the operator needs it', async () => {
    trailers = trailersOf('INTERNAL', 'with details');
    answer = answers.unary;
    await front.ask('unary');
    expect(front.lines.filter((line) => canariesIn(line).length > 0)).toHaveLength(1);
    front.lines.length = 0;
  });

  it('116: would be caught by this test if a resolver passed on what it said', async () => {
    trailers = trailersOf('INTERNAL', 'without details');
    answer = answers.unary;
    expect(canariesIn((await front.ask('leak')).text)).not.toEqual([]);
    front.lines.length = 0;
  });
});

describe('a call that cannot be sent', () => {
  let failure: Error = new Error();
  let server: GrpcServer;
  let front: Front;

  beforeAll(async () => {
    server = new GrpcServer();
    const certificate = Buffer.from(testCertificate.certificate);
    const keys = [{ cert_chain: certificate, private_key: Buffer.from(testCertificate.privateKey) }];
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, keys), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const plugin = credentials.createFromMetadataGenerator((_options, give) => give(failure));
    front = await openFront({
      target: `localhost:${port}`,
      credentials: credentials.combineChannelCredentials(credentials.createSsl(certificate), plugin),
    });
  });

  afterAll(async () => {
    await front?.[Symbol.asyncDispose]();
    server?.forceShutdown();
  });

  const cells = codeNames.flatMap((name) =>
    kinds.flatMap((kind) => detailsNames.map((details) => ({ name, kind, details }))),
  );

  it.each(cells)(
    '116: shows the code of $name and no more, on a $kind $details',
    async ({ name, kind, details }) => {
      const metadata = new Metadata();
      metadata.set('x-debug', canary);
      const bytes = detailsOf[details](status[name]);
      if (bytes !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(bytes, 'base64'));
      failure = Object.assign(new Error(stack), { code: status[name], details: canary, metadata });
      const code = codeOfConnect[name] ?? 'INTERNAL_SERVER_ERROR';
      const answered = await front.ask(fieldOf[kind]);
      checked += 1;
      assertLogged(front, answered.requestId, code);
      const body = assertRefused(answered, fieldOf[kind], code);
      expect(Object.keys(body.errors?.[0]?.extensions ?? {})).toEqual(
        code === 'INTERNAL_SERVER_ERROR' ? ['requestId', 'code'] : ['code'],
      );
    },
  );
});

/** Error codes of HTTP/2 (RFC 9113 section 7). */
const goawayCodes = Array.from({ length: 14 }, (_, code) => code);

/** Peers that never become a service. `said` is what they say on the way. */
const strangers: readonly { readonly name: string; readonly open: (said: Buffer) => Server }[] = [
  { name: 'closes the connection at once', open: () => createTcpServer((socket) => socket.destroy()) },
  {
    name: 'resets the connection at once',
    open: () => createTcpServer((socket) => void socket.on('error', () => {}).resetAndDestroy()),
  },
  {
    name: 'speaks another protocol',
    open: (said) => createTcpServer((socket) => void socket.on('error', () => {}).end(said)),
  },
  ...goawayCodes.map((code) => ({
    name: `says GOAWAY ${code}`,
    open: (said: Buffer) => {
      const server = createHttp2Server();
      server.on('session', (session) => {
        session.on('error', () => {});
        session.goaway(code, 0, said);
        session.destroy();
      });
      return server;
    },
  })),
];

const words = {
  'with the canary': Buffer.from(canary),
  'without a word': Buffer.alloc(0),
  'with garbage': Buffer.from(`\x00\xff\r\n\r\n${canary}`, 'latin1'),
} as const;

describe('a peer that is no service', () => {
  const cells = strangers.flatMap(({ name, open }) =>
    Object.entries(words).map(([how, said]) => ({ name, how, open, said })),
  );

  it.each(cells)('116: is UPSTREAM_UNAVAILABLE and no more when it $name $how', async ({ open, said }) => {
    const server = open(said);
    await using front = await openFront({ target: await listen(server), connectTimeoutMs: 500 });
    for (const kind of kinds) {
      const answered = await front.ask(fieldOf[kind]);
      checked += 1;
      assertRefused(answered, fieldOf[kind], 'UPSTREAM_UNAVAILABLE');
      assertLogged(front, answered.requestId, 'UPSTREAM_UNAVAILABLE');
    }
    server.close();
  });
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // as: TCP
}
