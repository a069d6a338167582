import type { IncomingMessage } from 'node:http';
import { WeirError } from '../errors.ts';

/**
 * Reads a whole request body of at most `maxBytes`. Rejects with `PAYLOAD_TOO_LARGE` as soon as the announced or the
 * received length is above it, without reading on; with `CANCELLED` when the client goes first.
 * The limit stands here, where bytes arrive, and not in a stream behind it, which would cost every request a pipe.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        request.pause();
        reject(tooLarge(maxBytes));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', (cause) => reject(new WeirError('CANCELLED', { cause })));
    request.on('close', () => reject(new WeirError('CANCELLED')));
  });
}

function tooLarge(maxBytes: number): WeirError {
  return new WeirError('PAYLOAD_TOO_LARGE', {
    message: `Expected a request body of at most ${maxBytes} bytes, got more. The option is limits.bodyMaxBytes.`,
  });
}
