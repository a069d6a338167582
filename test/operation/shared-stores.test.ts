import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createSharedStores } from '../../src/operation/shared-stores.ts';
import { startRedisServer } from '../kit/redis-server.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';

it.each([
  ['noeviction', false],
  ['allkeys-lru', true],
])(
  'createSharedStores() on a Redis with %s warns: %s',
  async (policy, warns) => {
    await using server = await startRedisServer({ 'maxmemory-policy': policy });
    const log = createCollectingLog();
    const stores = createSharedStores({ url: server.url, clock: systemClock, log, revocationSeconds: 60 });
    const lines = () => log.lines.filter(({ message }) => message.includes('maxmemory-policy'));
    // Asked behind the question for the policy, on the same connection.
    await stores.idempotency.claim({ id: 'id', fingerprint: 'f', token: 't', isRepeatable: true });
    if (warns) await expect.poll(() => lines().map(({ fields }) => fields)).toEqual([{ policy }]);
    else expect(lines()).toEqual([]);
    await Promise.all([stores.close(), stores.budgets.close()]);
  },
  120_000,
);
