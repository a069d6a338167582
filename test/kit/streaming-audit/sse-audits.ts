import type { Audit, AuditTarget } from './audit.ts';
import { eventsFrom, isRecord, isResult, jsonFrom } from './event-stream.ts';
import { exchange, openExchange, type WholeAnswer } from './http-exchange.ts';
import {
  eventStreamType,
  eventsOf,
  expectEventStream,
  invalidQuery,
  openEmitting,
  openOperation,
  query,
  untilEvents,
} from './sse-client.ts';
import { AuditSkip, expectThat } from './verdict.ts';

const distinct = 'GraphQL over SSE, distinct connections mode';
const html = 'HTML, section 9.2';
const accept = 'RFC 9110, section 12.5.1';

/** Names that a block may have; all others are passed over, and mean a mistake (HTML, section 9.2.6). */
const fieldNames: ReadonlySet<string> = new Set(['event', 'data', 'id', 'retry']);

/** GraphQL over SSE, distinct connections mode. */
export const sseAudits = [
  {
    id: 'sse-content-type',
    level: 'MUST',
    name: 'answer a subscription with text/event-stream before its first event',
    source: distinct,
    run: (target) => answersStream(target, eventStreamType),
  },
  {
    id: 'sse-accept-list',
    level: 'SHOULD',
    name: 'stream when text/event-stream is one of several accepted types',
    source: accept,
    run: (target) => answersStream(target, `application/xml, ${eventStreamType}`),
  },
  {
    id: 'sse-accept-weights',
    level: 'SHOULD',
    name: 'stream when text/event-stream has a weight, whatever its case and place',
    source: accept,
    run: (target) => answersStream(target, 'application/json;q=0.1, Text/Event-Stream;q=0.9'),
  },
  {
    id: 'sse-accept-zero',
    level: 'SHOULD',
    name: 'not stream when the weight of text/event-stream is 0',
    source: accept,
    run: (target) => answersOnce(target, `${eventStreamType};q=0, application/json`, query),
  },
  {
    id: 'sse-accept-json',
    level: 'SHOULD',
    name: 'refuse a subscription at once when only JSON is accepted',
    source: 'RFC 9110, section 15.5.7',
    run: (target) => answersOnce(target, 'application/json', target.subscription),
  },
  {
    id: 'sse-get',
    level: 'SHOULD',
    name: 'stream what is asked for by GET, all that EventSource can do',
    source: `${html}.2`,
    run: async (target) => {
      const url = new URL(target.url);
      url.searchParams.set('query', target.subscription);
      const headers = { accept: eventStreamType, ...target.headers };
      await using answer = await openExchange(url, { ...target, method: 'GET', headers });
      expectEventStream(answer);
      await untilEvents(target, answer, 'next');
    },
  },
  {
    id: 'sse-cache',
    level: 'SHOULD',
    name: 'keep streams out of caches',
    source: 'RFC 9111, section 5.2.2',
    run: async (target) => {
      await using answer = await openOperation(target, target.subscription);
      const control = answer.headers['cache-control'] ?? 'no Cache-Control';
      expectThat(/no-cache|no-store/.test(control), 'Cache-Control: no-store or no-cache', control);
    },
  },
  {
    id: 'sse-event-names',
    level: 'MUST',
    name: 'name events next and complete, and have no others',
    source: distinct,
    run: async (target) => {
      await using answer = await openEmitting(target);
      const names = eventsOf(answer).map(({ name }) => name);
      const isKnown = names.every((name) => name === 'next' || name === 'complete');
      expectThat(isKnown, 'only next and complete', names);
    },
  },
  {
    id: 'sse-fields',
    level: 'SHOULD',
    name: 'write no fields but event, data, id and retry',
    source: `${html}.6`,
    run: async (target) => {
      await using answer = await openEmitting(target);
      const names = eventsFrom(answer.text).events.flatMap(({ fields }) => fields);
      const isKnown = names.every((name) => fieldNames.has(name));
      expectThat(isKnown, `only ${[...fieldNames].join(', ')}`, names);
    },
  },
  {
    id: 'sse-next-result',
    level: 'MUST',
    name: 'have a result of an execution, as JSON, in the data of next',
    source: distinct,
    run: async (target) => {
      await using answer = await openEmitting(target);
      for (const { data } of eventsOf(answer))
        expectThat(isResult(jsonFrom(data)), 'an object with data or errors', data);
    },
  },
  {
    id: 'sse-query',
    level: 'MUST',
    name: 'answer a query with one next and one complete',
    source: distinct,
    run: async (target) => {
      await using answer = await openOperation(target, query);
      expectEventStream(answer);
      const events = await untilEvents(target, answer, 'complete', false);
      const names = events.map(({ name }) => name).join(', ');
      expectThat(names === 'next, complete', 'next, complete', names);
      const result = jsonFrom(events[0]?.data);
      expectThat(isRecord(result) && isRecord(result['data']), 'data in the result', events[0]?.data);
    },
  },
  {
    id: 'sse-complete-data',
    level: 'SHOULD',
    name: 'write a data field with complete, without which EventSource tells nobody',
    source: `${distinct}; ${html}.6`,
    run: async (target) => {
      await using answer = await openOperation(target, query);
      const events = await untilEvents(target, answer, 'complete', false);
      const last = events.findLast(({ name }) => name === 'complete');
      expectThat(last?.data !== undefined, 'an empty data field', last?.fields);
    },
  },
  {
    id: 'sse-ends',
    level: 'SHOULD',
    name: 'end the answer after complete',
    source: distinct,
    run: async (target) => {
      await using answer = await openOperation(target, query);
      await untilEvents(target, answer, 'complete', false);
      expectThat(await answer.until(() => answer.hasEnded, target.timeoutMs), 'the end', 'an open stream');
    },
  },
  {
    id: 'sse-invalid',
    level: 'MUST',
    name: 'tell what validation finds in a next of a stream that is answered with 200',
    source: distinct,
    run: (target) => tellsErrors(target, invalidQuery),
  },
  {
    id: 'sse-malformed',
    level: 'SHOULD',
    name: 'refuse a body that is no JSON with 4xx, and say why in JSON where there is a body',
    source: 'GraphQL over HTTP, section 6.4',
    run: async (target) => {
      const headers = { accept: eventStreamType, ...target.headers };
      const answer = await exchange(target.url, { ...target, method: 'POST', headers, body: '{"query": ' });
      expectThat(answer.status >= 400 && answer.status < 500, 'a status of 4xx', answer.status);
      expectThat(isRefusal(answer), 'errors in JSON', `${answer.mediaType}: ${answer.text}`);
    },
  },
  {
    id: 'sse-keep-alive',
    level: 'SHOULD',
    name: 'write comments while there are no events',
    source: `${html}.7`,
    isSlow: true,
    run: async (target) => {
      await using answer = await openOperation(target, target.subscription);
      expectEventStream(answer);
      const seen = () => eventsFrom(answer.text).comments;
      // One may be the opening of the stream.
      const before = seen();
      if (!target.emitter.isCaused) throw new AuditSkip('needs silence, but events come by themselves');
      const hasCome = await answer.until(() => seen() >= before + 2, target.patienceMs);
      expectThat(hasCome, `comments within ${target.patienceMs} ms`, answer.text);
    },
  },
  {
    id: 'sse-resume',
    level: 'MAY',
    name: 'give events ids, and go on after Last-Event-ID with what was missed',
    source: `${html}.4`,
    isAlone: true,
    run: async (target) => {
      const lastId = await idOfAnEvent(target);
      await target.emitter.emit();
      const headers = { accept: eventStreamType, 'last-event-id': lastId, ...target.headers };
      await using answer = await openExchange(target.url, {
        ...target,
        method: 'POST',
        headers,
        json: { query: target.subscription },
      });
      await untilEvents(target, answer, 'next', false);
    },
  },
] as const satisfies readonly Audit[];

async function answersStream(target: AuditTarget, accepted: string): Promise<void> {
  await using answer = await openOperation(target, target.subscription, accepted);
  expectEventStream(answer);
}

/** Resolves when the answer ends by itself, and is neither a stream nor a success with a subscription. */
async function answersOnce(target: AuditTarget, accepted: string, document: string): Promise<void> {
  await using answer = await openOperation(target, document, accepted);
  const { status, mediaType } = answer;
  expectThat(mediaType !== eventStreamType, `another type than ${eventStreamType}`, mediaType);
  const hasEnded = await answer.until(() => answer.hasEnded, target.timeoutMs);
  expectThat(hasEnded, 'the answer to end', answer.text || 'nothing');
  if (document !== query) {
    const isRefused = status >= 400 && status < 500;
    const result = jsonFrom(answer.text);
    const isTold = isRecord(result) && Array.isArray(result['errors']);
    expectThat(isRefused || isTold, '4xx, or errors in JSON', `${status} ${answer.text}`);
  }
}

async function tellsErrors(target: AuditTarget, document: string): Promise<void> {
  await using answer = await openOperation(target, document);
  expectEventStream(answer);
  const [next] = await untilEvents(target, answer, 'next', false);
  const result = jsonFrom(next?.data);
  expectThat(isRecord(result) && Array.isArray(result['errors']), 'errors in next', next?.data);
}

/** Bodies may be left out; what there is has to be JSON. */
function isRefusal({ mediaType, text }: WholeAnswer): boolean {
  const result = jsonFrom(text);
  return text === '' || (mediaType.endsWith('json') && isRecord(result) && Array.isArray(result['errors']));
}

async function idOfAnEvent(target: AuditTarget): Promise<string> {
  if (!target.emitter.isCaused) throw new AuditSkip('needs a mutation that publishes');
  await using answer = await openEmitting(target);
  const id = eventsOf(answer).findLast(({ name }) => name === 'next')?.id;
  expectThat(id !== undefined && id !== '', 'an id field of the event', answer.text);
  return id;
}
