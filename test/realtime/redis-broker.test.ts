import { afterAll, beforeAll } from 'vitest';
import { createLog } from '../../src/observe/log.ts';
import { createRedisBroker } from '../../src/realtime/redis-broker.ts';
import { startRedis, type TestRedis } from '../kit/redis.ts';
import { describeBroker } from './broker-suite.ts';

const log = createLog('silent');
let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

describeBroker('Redis', async (options) =>
  createRedisBroker({ log, redis: { urls: [redis.url] }, ...options }),
);
