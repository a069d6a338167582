import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type Ask, type Client, loadAll } from './client.ts';

/** Requests at a time on each connection: HTTP/2 is there to have few connections with many. */
const streamsPerConnection = 8;

/** Some connections of HTTP/2 with so many requests at a time on all of them together; of a prepared request it sends the body. */
export async function createHttp2Client(url: URL, requests: number): Promise<Pick<Client, 'load' | 'close'>> {
  const count = Math.ceil(requests / streamsPerConnection);
  const sessions = await Promise.all(Array.from({ length: count }, () => openSession(url)));
  const asks = Array.from({ length: requests }, (_, index) => askOf(sessions[index % count], url));
  return {
    load: (next, durationMs) => loadAll(asks, next, durationMs),
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

/** Over TLS or, by prior knowledge, in plain text. */
export async function openSession(url: URL): Promise<ClientHttp2Session> {
  const session = connect(url.origin, { rejectUnauthorized: false }); // our own server
  await once(session, 'connect');
  // What is on its way then fails by itself.
  session.on('error', () => {});
  return session;
}

/** Posts JSON. */
export function askOf(session: ClientHttp2Session | undefined, url: URL): Ask {
  if (!session) throw new RangeError('Expected at least one connection.');
  return ({ bytes, assertAnswer }) =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': url.pathname,
        accept: 'application/json',
        'content-type': 'application/json',
        'content-length': bytes.length,
      });
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', reject);
      stream.once('end', () => {
        try {
          const answer = { status, body: Buffer.concat(chunks) };
          assertAnswer(answer);
          resolve(answer);
        } catch (thrown) {
          reject(thrown);
        }
      });
      stream.end(bytes);
    });
}
