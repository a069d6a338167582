import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import type { TcpNetConnectOpts } from 'node:net';
import { otherTestCertificate, testCertificate } from '../upstream/test-certificate.ts';

/** What a stock client trusts in the tests. */
export const trust = [testCertificate.certificate, otherTestCertificate.certificate];

/** An answer over HTTP/2 with its body read. */
export interface StreamedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A session that ends with the test's scope. */
export interface Http2Client extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  readonly ask: (
    headers: Readonly<Record<string, string | readonly string[]>>,
    body?: string | Buffer,
  ) => Promise<StreamedAnswer>;
  /** Posts one operation as JSON. */
  readonly query: (query: string, headers?: Readonly<Record<string, string>>) => Promise<StreamedAnswer>;
}

/** What Node's client takes for its session and its socket. */
export type Http2Options = SecureClientSessionOptions & Pick<TcpNetConnectOpts, 'localAddress'>;

export async function openHttp2(url: string, options: Http2Options = {}): Promise<Http2Client> {
  // A hostile client repeats headers that Node's own would not.
  const lenient = { ca: trust, strictSingleValueFields: false, ...options };
  const session = connect(new URL(url).origin, lenient);
  session.on('error', () => {}); // told by what waits for it
  await once(session, 'connect');
  const ask: Http2Client['ask'] = async (headers, body) => {
    const stream = session.request(
      { ':path': new URL(url).pathname, ...headers },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    const [answered] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]; // as: what the event has
    let text = '';
    stream.setEncoding('utf8');
    for await (const chunk of stream) text += chunk;
    return { status: answered[':status'], headers: answered, text };
  };
  return {
    session,
    ask,
    query: (query, headers = {}) =>
      ask(
        {
          ':method': 'POST',
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          ...headers,
        },
        JSON.stringify({ query }),
      ),
    [Symbol.asyncDispose]: async () => {
      if (session.destroyed) return;
      const closed = once(session, 'close');
      session.destroy();
      await closed;
    },
  };
}
