import type { Audit, AuditTarget } from './audit.ts';
import { isRecord, isResult, jsonFrom } from './event-stream.ts';
import type { StreamedAnswer } from './http-exchange.ts';
import { keptIf } from './kept-if.ts';
import { boundaryFrom, multipartFrom } from './multipart-body.ts';
import { invalidQuery, openOperation, query } from './sse-client.ts';
import { AuditSkip, expectThat } from './verdict.ts';

const apollo = 'Apollo, multipart subscription protocol 1.0';
const multipartType = 'multipart/mixed';
/** How clients ask for it. */
export const multipartAccepts = {
  plain: `${multipartType};subscriptionSpec=1.0`,
  /** As Apollo Client writes it. */
  apollo: `${multipartType};boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9`,
} as const;

/** Apollo's multipart subscriptions. */
export const multipartAudits = [
  {
    id: 'multipart-type',
    level: 'MUST',
    name: 'answer a subscription with multipart/mixed and a boundary before its first event',
    source: `${apollo}, Executing a subscription`,
    run: async (target) => {
      await using answer = await openParts(target);
      const type = answer.headers['content-type'];
      expectThat(boundaryFrom(type) !== undefined, 'a boundary', type);
    },
  },
  {
    id: 'multipart-accept',
    level: 'SHOULD',
    name: 'do so for Accept as Apollo Client writes it, too',
    source: apollo,
    run: async (target) => {
      await using _answer = await openParts(target, target.subscription, multipartAccepts.apollo);
    },
  },
  {
    id: 'multipart-spec',
    level: 'SHOULD',
    name: 'say subscriptionSpec=1.0 in the content type',
    source: apollo,
    run: async (target) => {
      await using answer = await openParts(target);
      const type = answer.headers['content-type'] ?? '';
      expectThat(/;\s*subscriptionspec="?1\.0"?/i.test(type), 'subscriptionSpec=1.0', type);
    },
  },
  {
    id: 'multipart-parts',
    level: 'MUST',
    name: 'write parts of JSON that say so, between delimiters with CRLF',
    source: 'RFC 2046, section 5.1.1',
    run: async (target) => {
      await using answer = await openEmittingParts(target);
      for (const { head, json } of bodyOf(answer).parts) {
        expectThat(isRecord(json), 'an object', answer.text);
        const isTold = head.some((line) => /^content-type:\s*application\/json/.test(line));
        expectThat(isTold, 'content-type: application/json', head);
      }
    },
  },
  {
    id: 'multipart-payload',
    level: 'MUST',
    name: 'have events in payload, and nothing but payload, errors and heartbeats',
    source: `${apollo}, Message and error format`,
    run: async (target) => {
      await using answer = await openEmittingParts(target);
      for (const { json } of bodyOf(answer).parts) {
        const names = Object.keys(isRecord(json) ? json : {});
        const isKnown = names.every((name) => name === 'payload' || name === 'errors');
        expectThat(isKnown, 'payload and errors, or nothing', json);
      }
      expectThat(bodyOf(answer).parts.some(isEvent), 'an event', answer.text);
    },
  },
  {
    id: 'multipart-at-once',
    level: 'SHOULD',
    name: 'write the delimiter after a part with it: clients wait for that',
    source: apollo,
    run: async (target) => {
      if (!target.emitter.isCaused) throw new AuditSkip('needs silence, but events come by themselves');
      await using answer = await openEmittingParts(target);
      const { rest } = bodyOf(answer);
      expectThat(rest.trim() === '', 'nothing after the last delimiter', rest);
    },
  },
  {
    id: 'multipart-invalid',
    level: 'MUST',
    name: 'tell what validation finds, in JSON with 4xx or in a payload',
    source: `${apollo}, Message and error format`,
    run: async (target) => {
      await using answer = await openOperation(target, invalidQuery, multipartAccepts.plain);
      expectThat(await answer.until(() => answer.hasEnded, target.timeoutMs), 'the end', answer.text);
      const isParts = answer.mediaType === multipartType;
      const results = isParts ? bodyOf(answer).parts.map(({ json }) => json) : [jsonFrom(answer.text)];
      const isTold = results.some((result) => hasErrors(result) || hasErrors(payloadOf(result)));
      expectThat(isTold && (isParts || answer.status >= 400), 'errors', `${answer.status} ${answer.text}`);
    },
  },
  {
    id: 'multipart-closing',
    level: 'MUST',
    name: 'end an answer in parts with the closing delimiter',
    source: 'RFC 2046, section 5.1.1',
    run: async (target) => {
      for (const document of [query, invalidQuery]) {
        await using answer = await openOperation(target, document, multipartAccepts.plain);
        expectThat(await answer.until(() => answer.hasEnded, target.timeoutMs), 'the end', answer.text);
        if (answer.mediaType !== multipartType) continue;
        expectThat(bodyOf(answer).isClosed, 'the closing delimiter', answer.text);
        return;
      }
      throw new AuditSkip('all that ends by itself is answered in one piece');
    },
  },
  {
    id: 'multipart-heartbeat',
    level: 'SHOULD',
    name: 'write {} while there are no events',
    source: `${apollo}, Heartbeats`,
    isSlow: true,
    run: async (target) => {
      if (!target.emitter.isCaused) throw new AuditSkip('needs silence, but events come by themselves');
      await using answer = await openParts(target);
      const beats = () => bodyOf(answer).parts.filter(({ json }) => JSON.stringify(json) === '{}').length;
      // One may be the opening of the stream.
      const before = beats();
      const hasCome = await answer.until(() => beats() >= before + 2, target.patienceMs);
      expectThat(hasCome, `{} within ${target.patienceMs} ms`, answer.text || 'nothing');
    },
  },
] as const satisfies readonly Audit[];

async function openParts(
  target: AuditTarget,
  document = target.subscription,
  accept: string = multipartAccepts.plain,
): Promise<StreamedAnswer> {
  return keptIf(await openOperation(target, document, accept), ({ status, mediaType }) =>
    expectThat(
      status === 200 && mediaType === multipartType,
      `200 and ${multipartType}`,
      `${status} and ${mediaType}`,
    ),
  );
}

/** A subscription in parts whose first event has come, with its delimiter or without. */
export async function openEmittingParts(target: AuditTarget): Promise<StreamedAnswer> {
  return keptIf(await openParts(target), async (answer) => {
    const hasEvent = (text: string) => text.includes('"payload"');
    const isThere = await target.emitter.emitUntil(answer.until(hasEvent, target.timeoutMs));
    // What is written with it comes with it, or a moment later.
    await answer.until(() => bodyOf(answer).rest.trim() === '', settleMs);
    expectThat(isThere, 'a part with a payload', answer.text || 'nothing');
  });
}

const settleMs = 200;

function bodyOf({ text, headers }: StreamedAnswer) {
  return multipartFrom(text, boundaryFrom(headers['content-type']) ?? '-');
}

function payloadOf(value: unknown): unknown {
  return isRecord(value) ? value['payload'] : undefined;
}

function isEvent({ json }: { readonly json: unknown }): boolean {
  return isResult(payloadOf(json));
}

function hasErrors(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value['errors']);
}
