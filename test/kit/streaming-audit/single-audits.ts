import type { Audit, AuditTarget } from './audit.ts';
import { isRecord, jsonFrom } from './event-stream.ts';
import { exchange, openExchange, type StreamedAnswer, type WholeAnswer } from './http-exchange.ts';
import { keptIf } from './kept-if.ts';
import { eventStreamType, eventsOf, expectEventStream, invalidQuery, query } from './sse-client.ts';
import { expectThat } from './verdict.ts';

const single = 'GraphQL over SSE, single connection mode';
const reserving = `${single}, Making reservations`;
const executing = `${single}, Executing operations`;
const stopping = `${single}, Stopping streaming operations`;
const tokenHeader = 'x-graphql-event-stream-token';
const tokenMinLength = 16;

/** GraphQL over SSE, single connection mode. */
export const singleAudits = [
  {
    id: 'single-reserve',
    level: 'MUST',
    name: 'answer PUT with 201 and a token in the body',
    source: reserving,
    run: async (target) => {
      const answer = await ask(target, 'PUT', {});
      const isToken = answer.status === 201 && /^\S+$/.test(answer.text);
      expectThat(isToken, '201 and a token', `${answer.status} ${answer.text}`);
    },
  },
  {
    id: 'single-tokens',
    level: 'SHOULD',
    name: `give tokens that differ and cannot be guessed by being short (${tokenMinLength} characters)`,
    source: reserving,
    run: async (target) => {
      const [one, other] = [await reserve(target), await reserve(target)];
      expectThat(one !== other && one.length >= tokenMinLength, 'two long tokens', [one, other]);
    },
  },
  {
    id: 'single-open',
    level: 'MUST',
    name: 'answer GET with the token in its header with the stream',
    source: reserving,
    run: async (target) => {
      await using stream = await openStream(target, await reserve(target));
      expectEventStream(stream);
    },
  },
  {
    id: 'single-open-address',
    level: 'SHOULD',
    name: 'take the token from the address too, for EventSource has no headers',
    source: reserving,
    run: async (target) => {
      const token = await reserve(target);
      const url = addressOf(target, { token });
      const headers = { accept: eventStreamType, ...target.headers };
      await using stream = await openExchange(url, { ...target, method: 'GET', headers });
      expectEventStream(stream);
    },
  },
  {
    id: 'single-open-list',
    level: 'SHOULD',
    name: 'open the stream when text/event-stream is one of several accepted types',
    source: 'RFC 9110, section 12.5.1',
    run: async (target) => {
      const token = await reserve(target);
      await using stream = await openStream(target, token, `${eventStreamType}, */*;q=0.1`);
      expectEventStream(stream);
    },
  },
  {
    id: 'single-one-stream',
    level: 'MUST',
    name: 'refuse a second stream on one reservation',
    source: reserving,
    run: async (target) => {
      const token = await reserve(target);
      await using first = await openStream(target, token);
      expectEventStream(first);
      await using second = await openStream(target, token);
      expectThat(isRefused(second), '4xx', second.status);
    },
  },
  {
    id: 'single-unknown',
    level: 'MUST',
    name: 'refuse an operation and a stop for a token that it never gave',
    source: executing,
    run: async (target) => {
      const token = 'streaming-audit-no-such-token';
      const begun = await begin(target, token, query, '1');
      expectThat(isRefused(begun), '4xx to POST', begun.status);
      const stopped = await stop(target, token, '1');
      expectThat(isRefused(stopped), '4xx to DELETE', stopped.status);
    },
  },
  {
    id: 'single-query',
    level: 'MUST',
    name: 'take a query with 202, and tell next and complete with its id on the stream',
    source: executing,
    run: async (target) => {
      await using opened = await openReserved(target);
      const { stream, token } = opened;
      await expectTaken(begin(target, token, query, 'q-1'));
      await untilFor(target, stream, 'q-1', 'complete');
      const [next] = messagesFor(stream, 'q-1');
      const isWhole = next?.name === 'next' && isRecord(next.payload) && isRecord(next.payload['data']);
      expectThat(isWhole, 'next with { id, payload }, then complete with { id }', stream.text);
    },
  },
  {
    id: 'single-subscription',
    level: 'MUST',
    name: 'tell the events of each subscription with its own id',
    source: executing,
    run: async (target) => {
      await using opened = await openReserved(target);
      const { stream, token } = opened;
      for (const id of ['s-1', 's-2']) await expectTaken(begin(target, token, target.subscription, id));
      await Promise.all(['s-1', 's-2'].map((id) => untilFor(target, stream, id, 'next', true)));
    },
  },
  {
    id: 'single-no-id',
    level: 'SHOULD',
    name: 'refuse an operation without an id with 400',
    source: executing,
    run: async (target) => {
      await using opened = await openReserved(target);
      const answer = await begin(target, opened.token, query, undefined);
      expectThat(answer.status === 400, '400', answer.status);
    },
  },
  {
    id: 'single-duplicate',
    level: 'SHOULD',
    name: 'refuse an id that is in use with 409',
    source: executing,
    run: async (target) => {
      await using opened = await openReserved(target);
      const { token } = opened;
      await expectTaken(begin(target, token, target.subscription, 'd-1'));
      const again = await begin(target, token, target.subscription, 'd-1');
      expectThat(again.status === 409, '409', again.status);
    },
  },
  {
    id: 'single-invalid',
    level: 'MUST',
    name: 'answer a POST that does not validate with 4xx and errors in JSON',
    source: executing,
    run: async (target) => {
      await using opened = await openReserved(target);
      const answer = await begin(target, opened.token, invalidQuery, 'i-1');
      const result = jsonFrom(answer.text);
      const isTold = isRefused(answer) && isRecord(result) && Array.isArray(result['errors']);
      expectThat(isTold, '4xx with errors', `${answer.status} ${answer.text}`);
    },
  },
  {
    id: 'single-id-freed',
    level: 'SHOULD',
    name: 'free the id of an operation that was refused, whatever it was refused for',
    source: executing,
    run: async (target) => {
      await using opened = await openReserved(target);
      const { token } = opened;
      for (const wrong of [invalidQuery, '{']) {
        await begin(target, token, wrong, 'f-1');
        await expectTaken(begin(target, token, query, 'f-1'));
        await untilFor(target, opened.stream, 'f-1', 'complete');
      }
    },
  },
  {
    id: 'single-stop',
    level: 'MUST',
    name: 'tell no more events of a subscription that DELETE has stopped',
    source: stopping,
    run: async (target) => {
      await using opened = await openReserved(target);
      const { stream, token } = opened;
      for (const id of ['x-1', 'x-2']) await expectTaken(begin(target, token, target.subscription, id));
      await Promise.all(['x-1', 'x-2'].map((id) => untilFor(target, stream, id, 'next', true)));
      const stopped = await stop(target, token, 'x-1');
      expectThat(stopped.status === 200, '200', stopped.status);
      const countOf = (id: string) => messagesFor(stream, id).filter(({ name }) => name === 'next').length;
      const before = { stopped: countOf('x-1'), other: countOf('x-2') };
      // What was under way when it was stopped has come when the other one has had two more.
      const arrived = stream.until(() => countOf('x-2') >= before.other + 2, target.timeoutMs);
      await target.emitter.emitUntil(arrived);
      const settled = countOf('x-1');
      const more = stream.until(() => countOf('x-2') >= before.other + 4, target.timeoutMs);
      await target.emitter.emitUntil(more);
      expectThat(countOf('x-1') === settled, 'no more events', `${countOf('x-1') - before.stopped} more`);
    },
  },
  {
    id: 'single-gone',
    level: 'SHOULD',
    name: 'refuse operations once the stream is gone',
    source: executing,
    run: async (target) => {
      const token = await reserve(target);
      const stream = await keptIf(await openStream(target, token), expectEventStream);
      await stream[Symbol.asyncDispose]();
      const endMs = performance.now() + target.timeoutMs;
      let answer = await begin(target, token, query, 'g-1');
      // The server hears of it a moment later.
      for (let at = 2; !isRefused(answer) && performance.now() < endMs; at += 1)
        answer = await begin(target, token, query, `g-${at}`);
      expectThat(isRefused(answer), '4xx', answer.status);
    },
  },
] as const satisfies readonly Audit[];

interface Asked {
  readonly token?: string;
  readonly search?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

function ask(target: AuditTarget, method: string, { token, search = {}, json }: Asked): Promise<WholeAnswer> {
  const headers = { ...(token !== undefined && { [tokenHeader]: token }), ...target.headers };
  return exchange(addressOf(target, search), { ...target, method, headers, json });
}

function addressOf({ singleUrl }: AuditTarget, search: Readonly<Record<string, string>>): URL {
  const url = new URL(singleUrl);
  for (const [name, value] of Object.entries(search)) url.searchParams.set(name, value);
  return url;
}

async function reserve(target: AuditTarget): Promise<string> {
  const { status, text } = await ask(target, 'PUT', {});
  expectThat(status === 201, '201 to PUT', status);
  return text;
}

function openStream(target: AuditTarget, token: string, accept = eventStreamType): Promise<StreamedAnswer> {
  const headers = { accept, [tokenHeader]: token, ...target.headers };
  return openExchange(target.singleUrl, { ...target, method: 'GET', headers });
}

async function openReserved(
  target: AuditTarget,
): Promise<AsyncDisposable & { readonly stream: StreamedAnswer; readonly token: string }> {
  const token = await reserve(target);
  const stream = await keptIf(await openStream(target, token), expectEventStream);
  return { stream, token, [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose]() };
}

function begin(target: AuditTarget, token: string, document: string, operationId: string | undefined) {
  const extensions = operationId === undefined ? {} : { extensions: { operationId } };
  return ask(target, 'POST', { token, json: { query: document, ...extensions } });
}

function stop(target: AuditTarget, token: string, operationId: string): Promise<WholeAnswer> {
  return ask(target, 'DELETE', { token, search: { operationId } });
}

async function expectTaken(begun: Promise<WholeAnswer>): Promise<void> {
  const { status, text } = await begun;
  expectThat(status === 202, '202', `${status} ${text}`);
}

function isRefused({ status }: { readonly status: number }): boolean {
  return status >= 400 && status < 500;
}

function messagesFor(stream: StreamedAnswer, id: string) {
  return eventsOf(stream).flatMap(({ name, data }) => {
    const message = jsonFrom(data);
    return isRecord(message) && message['id'] === id ? [{ name, payload: message['payload'] }] : [];
  });
}

async function untilFor(
  { emitter, timeoutMs }: AuditTarget,
  stream: StreamedAnswer,
  id: string,
  name: string,
  isCaused = false,
): Promise<void> {
  const holds = () => messagesFor(stream, id).some((message) => message.name === name);
  const arrived = stream.until(holds, timeoutMs);
  await (isCaused ? emitter.emitUntil(arrived) : arrived);
  expectThat(holds(), `"${name}" with the id ${id}`, stream.text || 'nothing');
}
