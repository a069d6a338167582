import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { CachePolicy } from '../caching/policy.ts';
import type { AnswerSender } from './compression.ts';

/** An answer that caches may keep. */
export interface KeptAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Which headers it may not have, for they are of whoever asked first. */
  readonly without: RegExp | undefined;
}

/** Headers of an answer that tell of its caller, or repeat what the caller sent. */
const callerHeaders = /^(?:(?:x-)?ratelimit\b.*|x-request-id)$/;

/**
 * What caches may keep of a result: its data, and nothing else. Undefined for one with errors, which are of the moment, and
 * for one whose extensions tell more than its price. The entity tag is weak, for it is of the data and not of the bytes that
 * a media type or a compression makes of them (RFC 9110 section 8.8.1).
 */
export function keptAnswer(result: ExecutionResult, policy: CachePolicy): KeptAnswer | undefined {
  const { data, errors, extensions = {} } = result;
  const isPlain = Object.keys(extensions).every((name) => name === 'cost');
  if (errors !== undefined || !data || !isPlain) return undefined;
  const body = JSON.stringify({ data });
  const isPublic = policy.scope === 'public';
  return {
    body,
    headers: {
      'cache-control': `${policy.scope}, max-age=${policy.maxAgeSeconds}`,
      etag: `W/"${hash('sha256', body, 'base64url')}"`,
      vary: isPublic ? 'Accept' : 'Accept, Authorization',
    },
    without: isPublic ? callerHeaders : undefined,
  };
}

/** Where a kept answer goes. */
export interface KeptReceiver {
  readonly mediaType: string;
  readonly response: ServerResponse;
  readonly sender: AnswerSender;
}

/** Sends an answer, or 304 to whoever has it already (RFC 9110 sections 13.1.2 and 15.4.5). */
export function sendKept(
  { body, headers, without }: KeptAnswer,
  { mediaType, response, sender }: KeptReceiver,
): Promise<void> | void {
  for (const name of response.getHeaderNames()) if (without?.test(name)) response.removeHeader(name);
  for (const [name, value] of Object.entries(headers))
    if (name === 'vary') response.appendHeader(name, value);
    else response.setHeader(name, value);
  if (isKnown(response.req.headers['if-none-match'], headers['etag'] ?? '')) {
    sender.vary(response, Buffer.byteLength(body));
    response.writeHead(304).end();
    return;
  }
  return sender.send(response, {
    status: 200,
    headers: { 'content-type': `${mediaType}; charset=utf-8` },
    body,
  });
}

/** By the weak comparison (RFC 9110 section 8.8.3.2). */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = etag.replace(/^W\//, '');
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === opaque);
}
