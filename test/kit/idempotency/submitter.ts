import { setTimeout as sleep } from 'node:timers/promises';
import { encodeNodeId } from '../../../src/index.ts';
import type { Shop } from '../shop.ts';

/** The answer to one order that was submitted. */
export interface Submitted {
  readonly status: number;
  readonly text: string;
  readonly code: string | undefined;
  /** Whether the order was taken, as far as its client knows. */
  readonly isSuccess: boolean;
  readonly isReplayed: boolean;
}

/** Submits orders under a key, and counts what came of them. */
export interface Submitter {
  /** One attempt; undefined when the connection gave no answer. */
  readonly submit: (url: string, key: string) => Promise<Submitted | undefined>;
  /** Attempts until one succeeds, at least `pauseMs` apart. Throws for what no repetition helps against. */
  readonly insist: (url: string, key: string, pauseMs?: number) => Promise<readonly Submitted[]>;
  /** Orders that there are of the key. */
  readonly effects: (key: string) => Promise<number>;
}

const query = `mutation ($input: SubmitOrderInput!) { submitOrder(input: $input) {
  __typename ... on OrderSubmitted { order { id state note createdAt total { amount } } } } }`;
const retryable = new Set([
  'IDEMPOTENCY_CONCURRENT_REQUEST',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
]);
const maxAttempts = 200;

/** Orders of the user `sub`, each with its key as its note. Products never run out. */
export async function createSubmitter(shop: Shop, sub = 'user-1'): Promise<Submitter> {
  await shop.store.query('UPDATE products SET stock = 1000000 WHERE id = $1', ['product-1']);
  const authorization = `Bearer ${await shop.tokenOf(sub)}`;
  const lines = [{ product: encodeNodeId('Product', 'product-1'), quantity: 1 }];

  async function submit(url: string, key: string): Promise<Submitted | undefined> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization, 'idempotency-key': key },
        body: JSON.stringify({ query, variables: { input: { lines, note: key } } }),
      });
      const text = await response.text();
      return {
        status: response.status,
        text,
        code: JSON.parse(text).errors?.[0]?.extensions.code,
        isSuccess: text.includes('"OrderSubmitted"'),
        isReplayed: response.headers.get('idempotent-replayed') === 'true',
      };
    } catch {
      return undefined; // The connection ended before the answer did.
    }
  }

  return {
    submit,
    insist: async (url, key, pauseMs = 20) => {
      const answers: Submitted[] = [];
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const answer = await submit(url, key);
        if (answer) answers.push(answer);
        if (answer?.isSuccess) return answers;
        if (answer && !retryable.has(answer.code ?? ''))
          throw new Error(`Not to be repeated: ${answer.text}`);
        await sleep(pauseMs);
      }
      throw new Error(`No success in ${maxAttempts} attempts: ${JSON.stringify(answers.at(-1))}`);
    },
    effects: async (key) => {
      const [row] = await shop.store.query<{ count: number }>(
        'SELECT count(*)::int AS count FROM orders WHERE note = $1',
        [key],
      );
      return row?.count ?? 0;
    },
  };
}
