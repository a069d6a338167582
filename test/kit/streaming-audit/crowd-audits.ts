import type { Audit, AuditTarget, Transport } from './audit.ts';
import { keptIf } from './kept-if.ts';
import { openEmittingParts } from './multipart-audits.ts';
import { eventsOf, openEmitting } from './sse-client.ts';
import { AuditSkip, expectThat } from './verdict.ts';
import { openAcknowledged, subprotocol } from './ws-client.ts';
import { subscribe, untilNext } from './ws-operations.ts';

/** A subscription of some transport whose first event has come. */
interface Emitting extends AsyncDisposable {
  /** Events that have come. */
  readonly count: () => number;
  /** Bytes of the first event, about. */
  readonly eventBytes: number;
  readonly until: (holds: () => boolean, ms: number) => Promise<boolean>;
  readonly pause: () => void;
}

type Open = (target: AuditTarget) => Promise<Emitting>;

const openWs: Open = async (target) => {
  let eventBytes = 0;
  const opened = await keptIf(await openAcknowledged(target), async (acknowledged) => {
    subscribe(acknowledged, 'a', target.subscription);
    const { payload } = await untilNext(target, acknowledged, 'a');
    eventBytes = JSON.stringify(payload).length;
  });
  return {
    count: () => opened.messages.filter(({ type }) => type === 'next').length,
    eventBytes,
    until: opened.until,
    pause: opened.pause,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
};

const openSse: Open = async (target) => {
  const answer = await openEmitting(target);
  return {
    count: () => eventsOf(answer).filter(({ name }) => name === 'next').length,
    eventBytes: eventsOf(answer)[0]?.data?.length ?? 0,
    until: (holds, ms) => answer.until(holds, ms),
    pause: answer.pause,
    [Symbol.asyncDispose]: () => answer[Symbol.asyncDispose](),
  };
};

const openMultipart: Open = async (target) => {
  const answer = await openEmittingParts(target);
  return {
    count: () => answer.text.split('"payload"').length - 1,
    eventBytes: answer.text.length,
    until: (holds, ms) => answer.until(holds, ms),
    pause: answer.pause,
    [Symbol.asyncDispose]: () => answer[Symbol.asyncDispose](),
  };
};

/** What a socket holds at least before its writer notices that nobody reads. */
const fillBytes = 8 * 1024 * 1024;
const maxEvents = 500;
const goneCount = 50;
const goneAtOnce = 10;

/** What one client's behaviour does to another, over each transport alike. */
export const crowdAudits = {
  sse: [
    stalled('sse-stalled', openSse, 'HTML, section 9.2'),
    gone('sse-gone', openSse, 'GraphQL over SSE, distinct connections mode'),
  ],
  ws: [
    stalled('ws-stalled', openWs, `GraphQL over WebSocket (${subprotocol}), Next`),
    gone('ws-gone', openWs, 'GraphQL over WebSocket, Communication'),
  ],
  multipart: [
    stalled('multipart-stalled', openMultipart, 'Apollo, multipart subscription protocol 1.0'),
    gone('multipart-gone', openMultipart, 'Apollo, multipart subscription protocol 1.0'),
  ],
  single: [],
} as const satisfies Readonly<Record<Transport, readonly Audit[]>>;

function stalled<Id extends string>(id: Id, open: Open, source: string): Audit & { readonly id: Id } {
  return {
    id,
    level: 'MUST',
    name: 'give a reader all of its events while another one has stopped reading',
    source,
    isAlone: true,
    run: async (target) => {
      if (!target.emitter.isCaused) throw new AuditSkip('needs a mutation that publishes');
      await using stopped = await open(target);
      await using reading = await open(target);
      const events = Math.ceil(fillBytes / reading.eventBytes);
      if (events > maxEvents)
        throw new AuditSkip(
          `needs events of ${Math.ceil(fillBytes / maxEvents)} bytes, to fill a socket; came ${reading.eventBytes}`,
        );
      stopped.pause();
      const before = reading.count();
      await target.emitter.emit(events);
      const hasAll = await reading.until(() => reading.count() >= before + events, target.timeoutMs);
      expectThat(hasAll, `${events} events`, `${reading.count() - before}`);
    },
  };
}

function gone<Id extends string>(id: Id, open: Open, source: string): Audit & { readonly id: Id } {
  return {
    id,
    level: 'SHOULD',
    name: `serve on when ${goneCount} clients have left without a word`,
    source,
    isAlone: true,
    run: async (target) => {
      for (let left = goneCount; left > 0; left -= goneAtOnce) {
        const opening = await Promise.allSettled(Array.from({ length: goneAtOnce }, () => open(target)));
        for (const one of opening) if (one.status === 'fulfilled') await one.value[Symbol.asyncDispose]();
        const refused = opening.find((one) => one.status === 'rejected');
        if (refused) throw refused.reason;
      }
      await using _served = await open(target);
    },
  };
}
