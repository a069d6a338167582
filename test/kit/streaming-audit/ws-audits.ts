import type { Audit } from './audit.ts';
import { isRecord, isResult } from './event-stream.ts';
import { invalidQuery, query } from './sse-client.ts';
import { expectThat } from './verdict.ts';
import { openAcknowledged, openSocket, shakeHands, subprotocol } from './ws-client.ts';
import { countNext, expectAnswer, subscribe, untilMore, untilNext } from './ws-operations.ts';

const protocol = 'GraphQL over WebSocket';
const invalidMessage = `${protocol}, Invalid message`;

/** The messages of GraphQL over WebSocket. */
export const wsAudits = [
  {
    id: 'ws-subprotocol',
    level: 'MUST',
    name: `choose ${subprotocol}`,
    source: `${protocol}, Communication`,
    run: async (target) => {
      await using opened = await openSocket(target);
      expectThat(opened.socket.protocol === subprotocol, subprotocol, opened.socket.protocol || 'none');
    },
  },
  {
    id: 'ws-subprotocol-list',
    level: 'MUST',
    name: `choose ${subprotocol} among others`,
    source: 'RFC 6455, section 4.2.2',
    run: async (target) => {
      const opened = await shakeHands(target, ['streaming-audit', subprotocol]);
      expectThat('socket' in opened, '101', 'refusal' in opened && opened.refusal);
      await using _closed = opened;
      expectThat(opened.socket.protocol === subprotocol, subprotocol, opened.socket.protocol || 'none');
    },
  },
  {
    id: 'ws-subprotocol-other',
    level: 'SHOULD',
    name: 'refuse a client that speaks other subprotocols only: by the handshake, or with 4406',
    source: `${protocol}, Communication`,
    run: async (target) => {
      const opened = await shakeHands(target, ['streaming-audit']).catch(() => undefined);
      // Clients fail a handshake that chooses what they did not offer.
      if (opened === undefined || 'refusal' in opened) return;
      await using other = opened;
      await other.closedWith(4406);
    },
  },
  {
    id: 'ws-ack',
    level: 'MUST',
    name: 'acknowledge connection_init',
    source: `${protocol}, ConnectionAck`,
    run: async (target) => {
      await using _opened = await openAcknowledged(target);
    },
  },
  {
    id: 'ws-init-timeout',
    level: 'MUST',
    name: 'close with 4408 when connection_init does not come',
    source: `${protocol}, ConnectionInit`,
    isSlow: true,
    run: async (target) => {
      await using opened = await openSocket(target);
      await opened.closedWith(4408, target.patienceMs);
    },
  },
  closing('ws-second-init', 4429, 'a second connection_init', `${protocol}, ConnectionInit`, {
    type: 'connection_init',
  }),
  {
    id: 'ws-not-acknowledged',
    level: 'MUST',
    name: 'close with 4401 for a subscribe before connection_init',
    source: `${protocol}, Subscribe`,
    run: async (target) => {
      await using opened = await openSocket(target);
      subscribe(opened, 'a', query);
      await opened.closedWith(4401);
    },
  },
  closing('ws-not-json', 4400, 'a message that is no JSON', invalidMessage, '{"type":'),
  closing('ws-unknown-type', 4400, 'a message of an unknown type', invalidMessage, { type: 'start' }),
  closing('ws-no-id', 4400, 'a subscribe without an id', invalidMessage, {
    type: 'subscribe',
    payload: { query },
  }),
  closing('ws-no-query', 4400, 'a subscribe without a query', invalidMessage, {
    type: 'subscribe',
    id: 'a',
    payload: {},
  }),
  closing('ws-no-payload', 4400, 'a payload of connection that is no object', invalidMessage, {
    type: 'ping',
    payload: 1,
  }),
  {
    id: 'ws-ping',
    level: 'MUST',
    name: 'answer ping with pong, with a payload and without, before connection_init too',
    source: `${protocol}, Ping`,
    run: async (target) => {
      await using opened = await openSocket(target);
      opened.send({ type: 'ping' });
      await opened.message('pong');
      opened.send({ type: 'ping', payload: { streaming: 'audit' } });
      const countPongs = () => opened.messages.filter(({ type }) => type === 'pong').length;
      expectThat(await opened.until(() => countPongs() === 2), 'two pongs', opened.messages);
    },
  },
  {
    id: 'ws-pong',
    level: 'MUST',
    name: 'take a pong that it did not ask for',
    source: `${protocol}, Pong`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      opened.send({ type: 'pong' });
      await expectAnswer(opened, 'a');
    },
  },
  {
    id: 'ws-query',
    level: 'MUST',
    name: 'answer a query with one next and one complete',
    source: `${protocol}, Single result operation`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      await expectAnswer(opened, 'a');
      const types = opened.messages.filter(({ id }) => id === 'a').map(({ type }) => type);
      expectThat(types.join() === 'next,complete', 'next, complete', types);
    },
  },
  {
    id: 'ws-error',
    level: 'MUST',
    name: 'tell what validation finds in one error with a list, and no complete after it',
    source: `${protocol}, Error`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      subscribe(opened, 'a', invalidQuery);
      const { payload } = await opened.message('error', 'a');
      const isList = Array.isArray(payload) && payload.length > 0 && payload.every(isRecord);
      expectThat(isList, 'a list of errors', payload);
      // What would follow has come when the next one is answered.
      await expectAnswer(opened, 'b');
      const types = opened.messages.filter(({ id }) => id === 'a').map(({ type }) => type);
      expectThat(types.join() === 'error', 'only error', types);
    },
  },
  {
    id: 'ws-error-frees',
    level: 'MUST',
    name: 'free the id of an operation that ended with error',
    source: `${protocol}, Error`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      subscribe(opened, 'a', invalidQuery);
      await opened.message('error', 'a');
      await expectAnswer(opened, 'a');
    },
  },
  {
    id: 'ws-events',
    level: 'MUST',
    name: 'tell the events of each subscription with its own id',
    source: `${protocol}, Next`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      for (const id of ['a', 'b']) subscribe(opened, id, target.subscription);
      for (const id of ['a', 'b']) {
        const { payload } = await untilNext(target, opened, id);
        expectThat(isResult(payload), 'an object with data or errors', payload);
      }
    },
  },
  {
    id: 'ws-duplicate',
    level: 'MUST',
    name: 'close with 4409 for an id that is in use',
    source: `${protocol}, Subscribe`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      subscribe(opened, 'a', target.subscription);
      await untilNext(target, opened, 'a');
      subscribe(opened, 'a', target.subscription);
      await opened.closedWith(4409);
    },
  },
  {
    id: 'ws-complete',
    level: 'MUST',
    name: 'tell no more events of a subscription that the client has completed',
    source: `${protocol}, Complete`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      for (const id of ['a', 'b']) subscribe(opened, id, target.subscription);
      for (const id of ['a', 'b']) await untilNext(target, opened, id);
      opened.send({ type: 'complete', id: 'a' });
      // What was under way has come when the other one has had two more.
      await untilMore(target, opened, 'b', 2);
      const settled = countNext(opened, 'a');
      await untilMore(target, opened, 'b', 2);
      expectThat(countNext(opened, 'a') === settled, 'no more events', countNext(opened, 'a') - settled);
    },
  },
  {
    id: 'ws-complete-frees',
    level: 'MUST',
    name: 'free the id of a subscription that the client has completed',
    source: `${protocol}, Complete`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      subscribe(opened, 'a', target.subscription);
      await untilNext(target, opened, 'a');
      opened.send({ type: 'complete', id: 'a' });
      await expectAnswer(opened, 'a');
    },
  },
  {
    id: 'ws-complete-unknown',
    level: 'MUST',
    name: 'pass over a complete for an operation that has ended or never was',
    source: `${protocol}, Complete`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      await expectAnswer(opened, 'a');
      for (const id of ['a', 'never']) opened.send({ type: 'complete', id });
      await expectAnswer(opened, 'b');
    },
  },
] as const satisfies readonly Audit[];

/** What an acknowledged connection is closed for, at once. */
function closing<Id extends string>(
  id: Id,
  code: number,
  what: string,
  source: string,
  message: object | string,
): Audit & { readonly id: Id } {
  return {
    id,
    level: 'MUST',
    name: `close with ${code} for ${what}`,
    source,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      opened.send(message);
      await opened.closedWith(code);
    },
  };
}
