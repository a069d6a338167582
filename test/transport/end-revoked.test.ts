import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Identify } from '../../src/identity/identify.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';
import { Connections, type LongConnection } from '../../src/transport/connections.ts';
import { createRevokedEnder } from '../../src/transport/end-revoked.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openStreamServer } from '../kit/stream-server.ts';

const limits = { maxConnections: 1000, maxConnectionsPerPrincipal: 1000, maxConnectsPerSecond: 1000 };

/** Connections of which each is revoked from its own number on. */
function crowd(count: number) {
  const connections = new Connections(limits, systemClock);
  const crowded = { connections, upTo: 0, looks: 0, ended: [] as number[], onEnd: () => {} };
  for (let at = 0; at < count; at += 1) {
    let isEnded = false;
    const connection: LongConnection = {
      peer: '',
      drain: () => {},
      destroy: () => {},
      endIfRevoked: () => {
        crowded.looks += 1;
        if (isEnded || at >= crowded.upTo) return false;
        isEnded = true;
        crowded.ended.push(at);
        crowded.onEnd();
        return true;
      },
    };
    connections.open.add(connection);
  }
  return crowded;
}

describe('createRevokedEnder()', () => {
  it('ends those that are revoked, and lets others have their turn in between', async () => {
    const crowded = crowd(250);
    const end = createRevokedEnder(crowded.connections);
    crowded.upTo = 201;
    end();
    expect(crowded.ended).toHaveLength(100);
    await vi.waitUntil(() => crowded.ended.length === 201);
    expect(crowded.looks).toBe(250);
  });

  it('looks once more, however often it is called meanwhile', async () => {
    const crowded = crowd(150);
    const end = createRevokedEnder(crowded.connections);
    crowded.upTo = 140;
    crowded.onEnd = () => {
      crowded.upTo = 150;
      end();
    };
    end();
    await vi.waitUntil(() => crowded.looks === 300);
    expect(crowded.ended).toHaveLength(150);
    crowded.upTo = 0;
    end();
    expect(crowded.looks).toBe(450);
  });
});

const event = { query: 'subscription { event }' };

/** A server of one user, whose token is revoked right after it was looked at: before there is a connection to end. */
async function openLate(isRevoked: boolean) {
  let isKnown = false;
  const identify: Identify = () => {
    isKnown = true;
    return verifiedPrincipal({
      subject: 'a',
      tenant: null,
      client: null,
      scopes: new Set(),
      issuedAtMs: 0,
      expiresAtMs: 8.64e15,
    });
  };
  const revocations = { refuses: () => isRevoked && isKnown, onChange: () => () => {} };
  const clock = createFakeClock();
  return { clock, server: await openStreamServer({ clock, identify, revocations }) };
}

async function subscribe(url: string, accept: string, signal: AbortSignal) {
  const headers = { accept, 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(event), signal });
}

describe('a token that is revoked while its request is being looked at', () => {
  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec="1.0"'])(
    'ends the stream of %s that was opened with it',
    async (accept) => {
      const { clock, server: opened } = await openLate(true);
      await using server = opened;
      const response = await subscribe(server.url, accept, AbortSignal.timeout(10_000));
      await server.topic.untilRunning(1);
      clock.advance(500);
      expect(await response.text()).toContain('"code":"UNAUTHENTICATED","reason":"revoked"');
      expect(server.ends).toMatchObject([{ reason: 'revoked' }]);
    },
  );

  it('and one that is not revoked lives', async () => {
    const { clock, server: opened } = await openLate(false);
    await using server = opened;
    const leaving = new AbortController();
    await subscribe(server.url, 'text/event-stream', leaving.signal);
    await server.topic.untilRunning(1);
    clock.advance(10_000);
    expect(server.ends).toEqual([]);
    leaving.abort();
  });
});
