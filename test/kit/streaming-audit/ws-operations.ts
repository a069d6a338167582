import type { AuditTarget } from './audit.ts';
import { isRecord } from './event-stream.ts';
import { query } from './sse-client.ts';
import { expectThat } from './verdict.ts';
import type { AuditSocket } from './ws-client.ts';

/** Begins an operation. */
export function subscribe(opened: AuditSocket, id: string, document: string): void {
  opened.send({ type: 'subscribe', id, payload: { query: document } });
}

/** Whether the connection works: a query is answered whole. */
export async function expectAnswer(opened: AuditSocket, id: string): Promise<void> {
  subscribe(opened, id, query);
  const { payload } = await opened.message('next', id);
  expectThat(isRecord(payload) && isRecord(payload['data']), 'data in next', payload);
  await opened.message('complete', id);
}

/** Events of an operation that have come. */
export function countNext({ messages }: AuditSocket, of: string): number {
  return messages.filter(({ type, id }) => type === 'next' && id === of).length;
}

/** Resolves with the first event of the subscription, caused until it comes. */
export async function untilNext({ emitter }: AuditTarget, opened: AuditSocket, id: string) {
  const [message] = await Promise.all([
    opened.message('next', id),
    emitter.emitUntil(opened.until(() => countNext(opened, id) > 0 || opened.closeCode !== undefined)),
  ]);
  return message;
}

/** Resolves when so many more events have come. */
export async function untilMore({ emitter }: AuditTarget, opened: AuditSocket, id: string, more: number) {
  const wanted = countNext(opened, id) + more;
  const hasCome = await emitter.emitUntil(opened.until(() => countNext(opened, id) >= wanted));
  expectThat(hasCome, `${more} more events of ${id}`, opened.messages);
}
