import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { Watch } from './patience.ts';
import { AuditFailure, excerptOf } from './verdict.ts';

/** A request as it is sent: nothing is added to it but what HTTP/1.1 needs. */
export interface ExchangeOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Body, as JSON. */
  readonly json?: unknown;
  /** Body, as it stands. */
  readonly body?: string;
  readonly timeoutMs: number;
}

/** An answer whose body comes little by little. */
export interface StreamedAnswer extends AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Type and subtype of the content, in lower case. */
  readonly mediaType: string;
  /** All that has come of the body. */
  readonly text: string;
  /** Whether the server has ended the body, in whatever way. */
  readonly hasEnded: boolean;
  /** Resolves with whether it came to hold in time. */
  readonly until: (holds: (text: string) => boolean, ms: number) => Promise<boolean>;
  /** Stops reading; the connection stays. */
  readonly pause: () => void;
}

/** An answer that was read to its end. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly mediaType: string;
  readonly text: string;
}

/** Sends a request over a connection of its own, and resolves with the head of its answer. */
export async function openExchange(url: URL, options: ExchangeOptions): Promise<StreamedAnswer> {
  const { method, json, timeoutMs } = options;
  const body = options.body ?? (json === undefined ? undefined : JSON.stringify(json));
  const headers = {
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    ...options.headers,
  };
  const send = url.protocol === 'https:' ? requestTls : request;
  const sent = send(url, { method, headers, agent: false });
  sent.end(body);
  const answer = await headOf(sent, `${method} ${url.pathname}`, timeoutMs);
  return streamedFrom(sent, answer);
}

/** Sends a request and reads its answer to the end. */
export async function exchange(url: URL, options: ExchangeOptions): Promise<WholeAnswer> {
  await using answer = await openExchange(url, options);
  if (!(await answer.until(() => answer.hasEnded, options.timeoutMs)))
    throw new AuditFailure(
      `the answer to ${options.method} to end`,
      `no end within ${options.timeoutMs} ms: ${answer.status} ${excerptOf(answer.text)}`,
    );
  const { status, headers, mediaType, text } = answer;
  return { status, headers, mediaType, text };
}

function headOf(sent: ClientRequest, what: string, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (came: string) => {
      sent.destroy();
      reject(new AuditFailure(`an answer to ${what}`, came));
    };
    const timer = setTimeout(() => fail(`no head within ${timeoutMs} ms`), timeoutMs);
    sent.on('error', (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    sent.once('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

function streamedFrom(sent: ClientRequest, answer: IncomingMessage): StreamedAnswer {
  const watch = new Watch();
  let text = '';
  let hasEnded = false;
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    text += chunk;
    watch.changed();
  });
  // A reset is a way of ending, too: `close` follows.
  answer.on('error', () => {});
  const end = () => {
    hasEnded = true;
    watch.changed();
  };
  answer.once('end', end);
  answer.once('close', end);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    mediaType: (answer.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '',
    get text() {
      return text;
    },
    get hasEnded() {
      return hasEnded;
    },
    until: (holds, ms) => watch.until(() => holds(text), ms),
    pause: () => void answer.socket.pause(),
    [Symbol.asyncDispose]: async () => {
      sent.destroy();
      answer.destroy();
    },
  };
}
