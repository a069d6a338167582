/** Largest JWK Set that is read, in bytes: some hundred keys with certificate chains fit. */
export const maxKeySetBytes = 256 * 1024;

/** `application/json`, `application/jwk-set+json` (RFC 7517 section 8.5.2) and other `+json` (RFC 6839), with parameters. */
const jsonTypePattern = /^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i;

/**
 * The text behind `url` by GET. Rejects, with a sentence that quotes nothing of the answer: a redirect or any other
 * status than 200, a type other than JSON, more than {@link maxKeySetBytes} after decompression, bytes that are not
 * UTF-8, a failed connection, or `signal` (its reason). The body is always read to its end or cancelled.
 */
export async function fetchKeySet(url: URL, signal: AbortSignal): Promise<string> {
  const response = await get(url, signal);
  try {
    if (response.status !== 200) throw new Error(`expected status 200, got ${response.status}`);
    const type = response.headers.get('content-type') ?? 'none';
    if (!jsonTypePattern.test(type)) throw new Error('expected the content type application/json');
    return await readText(response);
  } finally {
    // A body that was read to its end is locked or closed; cancelling one that was not frees its connection.
    if (response.body !== null && !response.body.locked) await response.body.cancel();
  }
}

async function get(url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, {
      signal,
      redirect: 'manual', // an answer of status 3xx, which is refused: the key host is the one that was configured
      headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
    });
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && error.cause instanceof Error ? codeOf(error.cause) : 'no code';
    throw new Error(`the connection failed (${code})`, { cause: error });
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxKeySetBytes) throw new Error(`the answer is larger than ${maxKeySetBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}
