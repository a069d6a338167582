import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type HttpAnswer, parseAnswer } from './http-answer.ts';

/** One request, made before it is measured, with what its answer must be. */
export interface PreparedRequest {
  /** As they go over a connection of HTTP/1.1; of HTTP/2 the body alone. */
  readonly bytes: Buffer;
  /** Throws when the answer is wrong. */
  readonly assertAnswer: (answer: HttpAnswer) => void;
}

/** Some keep-alive connections to one server, each with one request at a time. */
export interface Client {
  readonly ask: (request: PreparedRequest) => Promise<HttpAnswer>;
  /** Loads all connections for `durationMs`, then waits for the last answers. Gives each answer's time in milliseconds. */
  readonly load: (next: () => PreparedRequest, durationMs: number) => Promise<number[]>;
  readonly close: () => void;
}

/** An answer that takes longer is a failure. */
const answerMs = 10_000;

/** The bytes of a POST of JSON. */
export function postBytes(url: URL, body: unknown, headers: Readonly<Record<string, string>> = {}): Buffer {
  const content = Buffer.from(JSON.stringify(body));
  const lines = Object.entries({
    host: url.host,
    accept: 'application/json',
    'content-type': 'application/json',
    'content-length': String(content.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n`), content]);
}

/** Opens the connections. Raw sockets: a client of the standard library would cost more than the servers it measures. */
export async function createClient(url: URL, connections: number): Promise<Client> {
  const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(url)));
  const [first] = opened;
  if (!first) throw new RangeError('Expected at least one connection.');
  return {
    ask: (request) => first.ask(request),
    load: (next, durationMs) =>
      loadAll(
        opened.map(({ ask }) => ask),
        next,
        durationMs,
      ),
    close: () => {
      for (const connection of opened) connection.close();
    },
  };
}

/** Sends one request, and resolves when its answer is there and right. */
export type Ask = (request: PreparedRequest) => Promise<unknown>;

/** Loads each of `asks`, with one request at a time, for `durationMs`; see {@link Client.load}. */
export async function loadAll(
  asks: readonly Ask[],
  next: () => PreparedRequest,
  durationMs: number,
): Promise<number[]> {
  const timesMs: number[] = [];
  const endMs = performance.now() + durationMs;
  const work = async (ask: Ask) => {
    for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
      await ask(next());
      timesMs.push(performance.now() - nowMs);
    }
  };
  await Promise.all(asks.map(work));
  return timesMs;
}

/** A connection of HTTP/1.1 with one request at a time. */
export interface Connection {
  readonly ask: (request: PreparedRequest) => Promise<HttpAnswer>;
  readonly close: () => void;
}

async function openConnection(url: URL): Promise<Connection> {
  return createConnection(url, url.protocol === 'https:' ? await openTls(url) : await openSocket(url));
}

/** Asks over a socket that is open. */
export function createConnection(url: URL, socket: Socket): Connection {
  let pending: { settle: (answer: HttpAnswer) => void; fail: (error: Error) => void } | undefined;
  let received: Buffer | undefined;
  const fail = (error: Error) => pending?.fail(error);
  socket.on('data', (chunk: Buffer) => {
    received = received ? Buffer.concat([received, chunk]) : chunk;
    try {
      const answer = parseAnswer(received);
      if (!answer) return;
      received = undefined;
      pending?.settle(answer);
    } catch (thrown) {
      fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error(`${url.href} closed the connection`)));
  socket.setTimeout(answerMs, () => fail(new Error(`${url.host} did not answer within ${answerMs} ms`)));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const settle = (answer: HttpAnswer) => {
          request.assertAnswer(answer);
          pending = undefined;
          resolve(answer);
        };
        pending = { settle, fail: reject };
        if (socket.destroyed) fail(new Error(`${url.href} has closed the connection`));
        else socket.write(request.bytes);
      }),
    close: () => socket.destroy(),
  };
}

/** Resolves when it is connected. */
export function openSocket(url: URL): Promise<Socket> {
  return whenOpen(connect({ host: url.hostname, port: Number(url.port), noDelay: true }), 'connect');
}

/** Resolves when it is secured, by a `session` of before where there is one. */
export function openTls(url: URL, session?: Buffer): Promise<TLSSocket> {
  const socket = connectTls({
    host: url.hostname,
    port: Number(url.port),
    // The server is our own, and its certificate signed by nobody.
    rejectUnauthorized: false,
    ...(session && { session }),
  });
  socket.setNoDelay(true);
  return whenOpen(socket, 'secureConnect');
}

function whenOpen<Kind extends Socket>(socket: Kind, event: 'connect' | 'secureConnect'): Promise<Kind> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
