import type { Audit } from './audit.ts';
import { query } from './sse-client.ts';
import { AuditSkip, expectThat } from './verdict.ts';
import { openAcknowledged, openSocket } from './ws-client.ts';
import { subscribe } from './ws-operations.ts';

const protocol = 'GraphQL over WebSocket';

/** What carries the messages: as much of RFC 6455 as clients of GraphQL lean on. */
export const wsFrameAudits = [
  {
    id: 'ws-many',
    level: 'SHOULD',
    name: 'answer 20 operations at a time on one socket',
    source: `${protocol}, Subscribe`,
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      const ids = Array.from({ length: 20 }, (_, at) => `m-${at}`);
      for (const id of ids) subscribe(opened, id, query);
      for (const id of ids) await opened.message('complete', id);
    },
  },
  {
    id: 'ws-fragments',
    level: 'MUST',
    name: 'take a message in fragments',
    source: 'RFC 6455, section 5.4',
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      const text = JSON.stringify({ type: 'subscribe', id: 'a', payload: { query } });
      opened.socket.send(text.slice(0, 9), { fin: false });
      opened.socket.send(text.slice(9), { fin: true });
      await opened.message('complete', 'a');
    },
  },
  {
    id: 'ws-frame-ping',
    level: 'MUST',
    name: 'answer a ping frame with a pong frame of the same data',
    source: 'RFC 6455, section 5.5.2',
    run: async (target) => {
      await using opened = await openSocket(target);
      opened.socket.ping('audit');
      await opened.until(() => opened.pongs.length > 0);
      expectThat(opened.pongs[0] === 'audit', 'a pong with "audit"', opened.pongs);
    },
  },
  {
    id: 'ws-close',
    level: 'MUST',
    name: 'answer a close frame with one',
    source: 'RFC 6455, section 5.5.1',
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      opened.socket.close(1000);
      await opened.closedWith(1000);
    },
  },
  {
    id: 'ws-utf8',
    level: 'MUST',
    name: 'close with 1007 for a text that is not UTF-8',
    source: 'RFC 6455, section 8.1',
    run: async (target) => {
      await using opened = await openAcknowledged(target);
      opened.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
      await opened.closedWith(1007);
    },
  },
  {
    id: 'ws-keep-alive',
    level: 'SHOULD',
    name: 'send a ping, as a frame or a message, while there are no events',
    source: `${protocol}, Ping; RFC 6455, section 5.5.2`,
    isSlow: true,
    run: async (target) => {
      if (!target.emitter.isCaused) throw new AuditSkip('needs silence, but events come by themselves');
      await using opened = await openAcknowledged(target);
      const isPinged = () => opened.pings > 0 || opened.messages.some(({ type }) => type === 'ping');
      const hasCome = await opened.until(isPinged, target.patienceMs);
      expectThat(hasCome, `a ping within ${target.patienceMs} ms`, opened.messages);
    },
  },
] as const satisfies readonly Audit[];
