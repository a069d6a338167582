import { describe, expect, it } from 'vitest';
import { createIdentify } from '../../src/identity/identify.ts';
import { createRevocations, maxRevocations } from '../../src/identity/revocations.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';
import { createBench, createIssuerKey, signToken } from './issuer.ts';

const key = createIssuerKey('key-1');
const nobody = { subject: null, tenant: null, client: null };
const keepSeconds = 3660;

function open() {
  const clock = createFakeClock();
  const log = createCollectingLog();
  return { clock, log, revocations: createRevocations({ clock, log, keepSeconds }) };
}

describe('createRevocations()', () => {
  it('refuses the tokens so far, also those that were verified before, and none of a later second', async () => {
    const { clock, verifier } = createBench([key]);
    const revocations = createRevocations({ clock, log: createCollectingLog(), keepSeconds });
    const identify = createIdentify(verifier, revocations.refuses);
    const ask = async (token: string) => identify({ authorization: `Bearer ${token}`, address: undefined });
    const refused = { code: 'UNAUTHENTICATED', extensions: { reason: 'REVOKED' } };
    const warm = await signToken(key, clock);
    const other = await signToken(key, clock, { claims: { sub: 'user-2' } });
    await ask(warm);
    await ask(other);
    await revocations.revoke({ ...nobody, subject: 'user-1' });
    await expect(ask(warm)).rejects.toMatchObject(refused);
    const cold = await signToken(key, clock, { claims: { scope: 'other' } });
    await expect(ask(cold)).rejects.toMatchObject(refused);
    expect(await ask(other)).toMatchObject({ subject: 'user-2' });
    clock.advance(1000);
    expect(await ask(await signToken(key, clock))).toMatchObject({ subject: 'user-1' });
    await expect(ask(warm)).rejects.toMatchObject(refused);
  });

  it('keeps one as long as a token may be good that it meets, and no longer', async () => {
    const { clock, revocations } = open();
    const atSeconds = clock.wallMs() / 1000;
    const made = await revocations.revoke({ ...nobody, tenant: 'north' });
    expect(made).toEqual({ ...nobody, tenant: 'north', atSeconds, untilSeconds: atSeconds + keepSeconds });
    clock.advance(keepSeconds * 1000);
    expect(revocations.list()).toEqual([made]);
    clock.advance(1000);
    expect(revocations.list()).toEqual([]);
    expect(revocations.status()).toEqual({ held: 0, unconfirmedSeconds: 0 });
  });

  it('lists the latest first, each filter once', async () => {
    const { clock, revocations } = open();
    for (const subject of ['a', 'b', 'a']) {
      await revocations.revoke({ ...nobody, subject });
      clock.advance(1000);
    }
    expect(revocations.list().map(({ subject }) => subject)).toEqual(['a', 'b']);
  });

  it('says so in one line, and calls back at once, each time that there is something new', async () => {
    const { log, revocations } = open();
    let calls = 0;
    const stop = revocations.onChange(() => {
      calls += 1;
    });
    const revocation = await revocations.revoke({ ...nobody, client: 'web' });
    expect(log.lines).toEqual([{ level: 'info', fields: { revocation }, message: 'tokens are revoked' }]);
    expect(calls).toBe(1);
    await revocations.revoke({ ...nobody, client: 'web' });
    expect(calls).toBe(1);
    stop();
    await revocations.revoke({ ...nobody, client: 'app' });
    expect(calls).toBe(1);
  });

  it('says once that what instances share cannot be read, and again when that was mended meanwhile', async () => {
    const { clock, log } = open();
    let isAway = true;
    const shared = {
      enter: async () => 1,
      read: async () => {
        if (isAway) throw new Error('away');
        return undefined;
      },
      restore: async () => {},
      onRing: () => {},
      close: async () => {},
    };
    const revocations = createRevocations({ clock, log, keepSeconds, shared });
    const passSeconds = async (count: number) => {
      for (let second = 0; second < count; second += 1) {
        clock.advance(1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const told = () => log.lines.map(({ level, message }) => `${level} ${message}`);
    const line = 'warn revocations are not read: those that are known stay in force';
    await revocations.load();
    await passSeconds(3);
    expect(told()).toEqual([line]);
    isAway = false;
    await passSeconds(2);
    expect(told()).toEqual([line]);
    isAway = true;
    await passSeconds(3);
    expect(told()).toEqual([line, line]);
    await revocations.close();
  });

  it('holds the most that it may, and refuses one more rather than forget one', async () => {
    const { clock, revocations } = open();
    for (let at = 0; at < maxRevocations - 1; at += 1)
      await revocations.revoke({ ...nobody, subject: `user ${at}` });
    await revocations.revoke({ ...nobody, subject: 'last' });
    await expect(revocations.revoke({ ...nobody, subject: 'one more' })).rejects.toMatchObject({
      code: 'OVERLOADED',
      message: expect.stringContaining('10000'),
    });
    clock.advance(1000);
    await revocations.revoke({ ...nobody, subject: 'last' });
    expect(revocations.status().held).toBe(maxRevocations);
    clock.advance(keepSeconds * 1000);
    await revocations.revoke({ ...nobody, subject: 'one more' });
    expect(revocations.status().held).toBe(2);
  });
});
