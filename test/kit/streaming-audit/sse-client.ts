import type { AuditTarget } from './audit.ts';
import { eventsFrom, type StreamEvent } from './event-stream.ts';
import { openExchange, type StreamedAnswer } from './http-exchange.ts';
import { keptIf } from './kept-if.ts';
import { expectThat } from './verdict.ts';

/** Of event streams, as browsers ask. */
export const eventStreamType = 'text/event-stream';
/** Any server answers it, and all that it needs is the protocol. */
export const query = '{ __typename }';
/** No server has this field. */
export const invalidQuery = '{ streamingAuditNoSuchField }';

/** Asks for an operation as one stream; `accept` null sends none. */
export function openOperation(
  target: AuditTarget,
  document: string,
  accept: string | null = eventStreamType,
): Promise<StreamedAnswer> {
  return openExchange(target.url, {
    method: 'POST',
    headers: { ...(accept !== null && { accept }), ...target.headers },
    json: { query: document },
    timeoutMs: target.timeoutMs,
  });
}

/** Throws unless the answer is an event stream. */
export function expectEventStream(answer: StreamedAnswer): void {
  const { status, mediaType } = answer;
  expectThat(
    status === 200 && mediaType === eventStreamType,
    `200 and ${eventStreamType}`,
    `${status} and ${mediaType || 'no content type'}`,
  );
}

/** Those that have come, without blocks of fields that are no event. */
export function eventsOf({ text }: StreamedAnswer): readonly StreamEvent[] {
  return eventsFrom(text).events.filter(({ data, name }) => data !== undefined || name !== 'message');
}

/** Resolves with the events once there are `count` of that name; causes them where `isCaused` says so. */
export async function untilEvents(
  { emitter, timeoutMs }: AuditTarget,
  answer: StreamedAnswer,
  name: string,
  isCaused = true,
): Promise<readonly StreamEvent[]> {
  const holds = () => eventsOf(answer).some((event) => event.name === name);
  const arrived = answer.until(() => holds() || answer.hasEnded, timeoutMs);
  await (isCaused ? emitter.emitUntil(arrived) : arrived);
  expectThat(holds(), `an event "${name}"`, answer.text || 'nothing');
  return eventsOf(answer);
}

/** A subscription as an event stream whose first event has come. */
export async function openEmitting(target: AuditTarget): Promise<StreamedAnswer> {
  return keptIf(await openOperation(target, target.subscription), async (answer) => {
    expectEventStream(answer);
    await untilEvents(target, answer, 'next');
  });
}
