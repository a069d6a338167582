import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startRedis } from './redis.ts';

// Installing Redis may take longer than a test.
it('startRedis() gives each caller an empty server of its own, and ends it', async () => {
  const [one, other] = await Promise.all([startRedis(), startRedis()]);
  expect(one.url).not.toBe(other.url);
  expect(await ask(one.url, 'SET who one')).toBe('+OK');
  expect(await ask(other.url, 'GET who')).toBe('$-1');
  await Promise.all([one.stop(), other.stop()]);
  await expect(ask(one.url, 'PING')).rejects.toThrow('ECONNREFUSED');
}, 120_000);

/** One command and the first line of its reply (RESP, inline command). */
function ask(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString().split('\r\n')[0] ?? '');
    });
  });
}
