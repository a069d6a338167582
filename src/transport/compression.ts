import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { createHeaderReader } from './header-reader.ts';
import { weightFrom } from './weight.ts';

/** Content codings that we write (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). */
export type Coding = 'br' | 'zstd' | 'gzip';

/** An answer that is there as a whole. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** Sends answers, compressed for those who read that. */
export interface AnswerSender {
  /**
   * Sends an answer with its `Content-Length`; nothing to a client that goes before it is compressed. Rejects, with nothing
   * sent, when compression fails.
   */
  readonly send: (response: ServerResponse, answer: WholeAnswer) => Promise<void> | void;
  /** Says of an answer without a body, as 304 is, what {@link AnswerSender.send} would say of its body in `Vary`. */
  readonly vary: (response: ServerResponse, bytes: number) => void;
}

/** When answers are compressed: a part of the section `server` of the configuration. */
export interface CompressionSettings {
  /** Bytes of the shortest body that is compressed; 0 for none. */
  readonly compressionMinBytes: number;
}

/** Answers that are compressed at one time: the threads that do it read files and look up hosts as well. */
const defaultMaxAtOnce = 64;

/** Most codings of one header that are looked at. */
const maxCodings = 32;

/** How a body is compressed, the first wanted of those that a client wants alike; levels where time still buys bytes. */
const compressors: Readonly<Record<Coding, (body: Buffer) => Promise<Buffer>>> = {
  br: (body) =>
    brotli(body, { params: { ...brotliParams, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
  // Else it makes room for an answer of any size, which took longer than the compression itself.
  zstd: (body) =>
    zstd(body, { pledgedSrcSize: body.length, params: { [constants.ZSTD_c_compressionLevel]: 3 } }),
  gzip: (body) => deflate(body, { level: 6 }),
};
const codings = Object.keys(compressors) as readonly Coding[]; // as: the keys of a record of them

const brotli = promisify(brotliCompress);
const zstd = promisify(zstdCompress);
const deflate = promisify(gzip);
const brotliParams = {
  [constants.BROTLI_PARAM_QUALITY]: 4,
  [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
};

/**
 * The coding that `Accept-Encoding` wants most, or undefined for the body as it is (RFC 9110 section 12.5.3): that of whoever
 * sends no header, wants that more, or takes nothing that we have, for an operation that ran is worth more than a 406.
 */
export function codingFrom(header: string | undefined): Coding | undefined {
  if (header === undefined) return undefined;
  const weights = new Map(header.toLowerCase().split(',', maxCodings).map(codingWeight));
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  let wanted: Coding | undefined;
  let most = 0;
  for (const coding of codings) {
    const weight = weightOf(coding);
    if (weight > most) wanted = coding;
    most = Math.max(most, weight);
  }
  return most >= weightOf('identity') ? wanted : undefined;
}

function codingWeight(element: string): [string, number] {
  const [name = '', ...parameters] = element.split(';').map((part) => part.trim());
  const given = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
  return [name, weightFrom(given)];
}

/**
 * What sends the answers of a server. At most `maxAtOnce` (default 64) are compressed at one time, off the event loop; those
 * beyond are sent as they are.
 */
export function createAnswerSender(
  { compressionMinBytes: minBytes }: CompressionSettings,
  maxAtOnce = defaultMaxAtOnce,
): AnswerSender {
  const codingBy = createHeaderReader(codingFrom);
  let running = 0;
  const isLong = (bytes: number) => minBytes > 0 && bytes >= minBytes;
  const compress = async (response: ServerResponse, answer: WholeAnswer, coding: Coding) => {
    running += 1;
    try {
      const body = await compressors[coding](Buffer.from(answer.body));
      write(response, { ...answer, headers: { ...answer.headers, 'content-encoding': coding } }, body);
    } finally {
      running -= 1;
    }
  };
  const vary = (response: ServerResponse, bytes: number) => {
    if (isLong(bytes)) response.appendHeader('vary', 'Accept-Encoding');
  };
  return {
    vary,
    send: (response, answer) => {
      const bytes = Buffer.byteLength(answer.body);
      vary(response, bytes);
      const coding = isLong(bytes) ? codingBy(response.req.headers['accept-encoding']) : undefined;
      if (coding && running < maxAtOnce && !response.destroyed) return compress(response, answer, coding);
      return write(response, answer, answer.body, bytes);
    },
  };
}

/** A client that goes meanwhile has no use for an answer. */
function write(
  response: ServerResponse,
  { status, headers }: WholeAnswer,
  body: string | Buffer,
  bytes = body.length,
): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': bytes });
  response.end(body);
}
