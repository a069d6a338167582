import { createHash } from 'node:crypto';
import { failedPrecondition, type Violation } from './status.ts';
import type { Sql } from './store.ts';

/** One keyed call. */
export interface KeyedCall {
  /** `Service/Method`. */
  readonly method: string;
  /** Whose key it is: the user on whose behalf the call is made. */
  readonly scope: string;
  readonly key: string;
  /** What must be the same for the same key, encoded: usually the request without its key. */
  readonly request: Uint8Array;
}

const KEY = /^[\x21-\x7e]{16,255}$/;
const RETENTION_MS = 7 * 24 * 3_600_000;

/**
 * Runs `work` at most once for each key and answers its reply, the stored one when it has run before. The key's row is
 * written first, in the transaction of the effect: a second call with the key waits on it, then finds the reply or, where
 * the first one failed, runs.
 *
 * @throws FAILED_PRECONDITION with reason IDEMPOTENCY_KEY_REUSED when the key stands for another request.
 */
export async function onceByKey(
  tx: Sql,
  { method, scope, key, request }: KeyedCall,
  work: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const fingerprint = createHash('sha256').update(request).digest();
  const id = [method, scope, key];
  const inserted = await tx.query(
    `INSERT INTO idempotency_keys (method, scope, key, fingerprint, reply) VALUES ($1, $2, $3, $4, '')
     ON CONFLICT DO NOTHING RETURNING 1`,
    [...id, fingerprint],
  );
  if (inserted.length === 0) return storedReply(tx, id, fingerprint);
  const reply = await work();
  await tx.query('UPDATE idempotency_keys SET reply = $4 WHERE method = $1 AND scope = $2 AND key = $3', [
    ...id,
    Buffer.from(reply),
  ]);
  return reply;
}

/** What is wrong with a key: nothing, or one violation. It has 16 to 255 visible ASCII characters. */
export function keyViolations(key: string, field = 'idempotency_key'): Violation[] {
  if (KEY.test(key)) return [];
  return [{ field, description: `expected 16 to 255 visible ASCII characters, got ${key.length}` }];
}

/** Removes keys older than `maxAgeMs` (7 days): from then on they count as new. Answers how many. */
export async function expireKeys(sql: Sql, maxAgeMs = RETENTION_MS, signal?: AbortSignal): Promise<number> {
  const rows = await sql.query(
    `DELETE FROM idempotency_keys WHERE create_time < clock_timestamp() - $1::bigint * interval '1 ms' RETURNING 1`,
    [maxAgeMs],
    signal,
  );
  return rows.length;
}

async function storedReply(tx: Sql, id: readonly string[], fingerprint: Buffer): Promise<Uint8Array> {
  const [row] = await tx.query<{ fingerprint: Buffer; reply: Buffer }>(
    'SELECT fingerprint, reply FROM idempotency_keys WHERE method = $1 AND scope = $2 AND key = $3',
    id,
  );
  if (!row) throw new Error(`An idempotency key of ${id[0]} was removed while it was in use.`);
  if (row.fingerprint.equals(fingerprint)) return row.reply;
  throw failedPrecondition(
    'IDEMPOTENCY_KEY_REUSED',
    'idempotency_key',
    'The idempotency key was used with another request.',
  );
}
