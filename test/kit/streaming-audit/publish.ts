import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isRecord, jsonFrom } from './event-stream.ts';
import { exchange } from './http-exchange.ts';
import { AuditSkip, excerptOf } from './verdict.ts';

/** One run of a mutation that makes a server emit an event. */
export interface Publication {
  readonly url: URL;
  readonly document: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Of each try, and of waiting for another one. */
  readonly timeoutMs: number;
}

/** What a server says that wants to be asked later. */
const busyStatuses: ReadonlySet<number> = new Set([429, 503]);

/** Runs the mutation once, after waiting where the server asks for that; rejects with an {@link AuditSkip} when it refuses. */
export async function publish({ url, document, variables, headers, timeoutMs }: Publication): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const {
      status,
      headers: told,
      text,
    } = await exchange(url, {
      method: 'POST',
      // A key of its own for each run: servers that know such keys may ask for one, and run each key once.
      headers: { accept: 'application/json', 'idempotency-key': randomUUID(), ...headers },
      json: { query: document, ...(variables && { variables }) },
      timeoutMs,
    });
    if (status === 200 && !hasFailed(text)) return;
    const waitMs = busyStatuses.has(status) ? secondsFrom(told['retry-after']) * 1000 : undefined;
    // No rule says that everybody may publish as often as an audit would like to.
    if (waitMs === undefined || performance.now() + waitMs > endMs)
      throw new AuditSkip(`the mutation that publishes was refused: ${status} ${excerptOf(text)}`);
    await delay(waitMs);
  }
}

function hasFailed(text: string): boolean {
  const result = jsonFrom(text);
  return !isRecord(result) || !isRecord(result['data']) || Array.isArray(result['errors']);
}

/** `Retry-After` in seconds (RFC 9110 section 10.2.3), 1 without one. */
function secondsFrom(retryAfter: string | undefined): number {
  return /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : 1;
}
