import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, startNode } from '../kit/child.ts';

/** `npm start` without npm, on free ports and with data of its own. */
describe('scripts/start.js', () => {
  let dataDir: string;
  const children: Child[] = [];

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'weir-start-'));
  });
  afterAll(async () => {
    for (const child of children) child.process.kill('SIGTERM');
    await Promise.all(children.map(({ ended }) => ended));
    await rm(dataDir, { recursive: true, force: true });
  });

  function start(environment: NodeJS.ProcessEnv = {}): Child {
    const ports = { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', UPSTREAM_PORT: '0' };
    // Without DATABASE_URL, so that it is the embedded one whatever the caller has.
    const child = startNode(['scripts/start.js'], {
      ...ports,
      DATABASE_URL: '',
      WEIR_DATA_DIR: dataDir,
      ...environment,
    });
    children.push(child);
    return child;
  }

  it('seeds, prints a curl line that works, and ends with 0 when it is interrupted', async () => {
    const child = start();
    const output = await child.printed(/curl .*\n/);
    expect(output).toContain('seeded in');
    expect(await runCurlLine(output)).toMatchObject({ data: { products: { edges: { length: 3 } } } });
    child.process.kill('SIGINT');
    expect(await child.ended).toBe(0);
  });

  it('starts again within 5 s and does not seed again', async () => {
    const startMs = performance.now();
    const child = start();
    const output = await child.printed(/curl .*\n/);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(output).not.toContain('seed');
    expect(await runCurlLine(output)).toHaveProperty('data.products');
    child.process.kill('SIGINT');
    expect(await child.ended).toBe(0);
  });

  it.each(['PORT', 'UPSTREAM_PORT'])(
    'names the port and %s in one line when the port is taken',
    async (variable) => {
      const { server, port } = await takePort();
      const child = start({ [variable]: String(port) });
      expect(await child.ended).toBe(1);
      server.close();
      const telling = child
        .output()
        .split('\n')
        .filter((line) => line.includes(String(port)));
      expect(telling).toHaveLength(1);
      expect(telling[0]).toMatch(new RegExp(`\\b${variable}\\b`));
    },
  );
});

/** Sends what the printed line would. */
async function runCurlLine(output: string): Promise<unknown> {
  const [, url = '', body = ''] = /curl -s (\S+) .*-d '(.*)'/.exec(output) ?? [];
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return response.json();
}

async function takePort(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The loopback address gave no port.');
  return { server, port: address.port };
}
