import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type BatchGetUsersResponse,
  UserServiceClient,
} from '../../upstream-protos/gen/shop/users/v1/users.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { answer, isAlive, postmasterOf, refusal, until } from './upstream-fixture.ts';

const MAIN = fileURLToPath(new URL('../../upstreams/main.ts', import.meta.url));

let seeded: TestDatabase;
beforeAll(async () => {
  seeded = await createTestDatabase('seeded');
});
afterAll(() => seeded.drop());

interface Run {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  readonly output: () => string;
  /** Resolves with the port when the services are ready. */
  readonly ready: () => Promise<number>;
  readonly exit: Promise<number | null>;
}

function run(args: readonly string[], environment: Readonly<Record<string, string>>): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], UPSTREAM_PORT: '0', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exit = once(child, 'close').then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return {
    child,
    exit,
    output: () => output,
    ready: () =>
      until(async () => {
        if (child.exitCode !== null) throw new Error(`It ended: ${output}`);
        return Number(/^upstreams ready on 127\.0\.0\.1:(\d+)$/m.exec(output)?.[1]) || undefined;
      }, 60_000),
  };
}

async function getUser(port: number): Promise<BatchGetUsersResponse> {
  const client = new UserServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    return await answer((done) => client.batchGetUsers({ ids: ['user-1'], readMask: undefined }, done));
  } finally {
    client.close();
  }
}

describe('main.ts serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('serve answers, and ends with 0 on %s', async (signal) => {
    const { child, ready, exit, output } = run([], { DATABASE_URL: seeded.url });
    expect((await getUser(await ready())).users).toHaveLength(1);
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(output()).not.toContain('seeding');
  });

  it('serve names the port and the variable when the port is taken, in one line, and ends with 1', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    const { exit, output } = run(['serve'], { DATABASE_URL: seeded.url, UPSTREAM_PORT: port });
    expect(await exit).toBe(1);
    expect(output()).toBe(`Port ${port} of 127.0.0.1 is taken: set UPSTREAM_PORT to a free one.\n`);
  });

  it('serve sets the faults of SHOP_FAULTS', async () => {
    const faults = '{"UserService/BatchGetUsers": {"code": "RESOURCE_EXHAUSTED"}}';
    const { ready } = run([], { DATABASE_URL: seeded.url, SHOP_FAULTS: faults });
    expect(await refusal(getUser(await ready()))).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  });

  it.each([
    [['dance'], {}, /^usage: /],
    [['serve', 'twice'], {}, /^usage: /],
    [['--fast'], {}, /Unknown option '--fast'/],
    [[], { UPSTREAM_PORT: '65536' }, /^UPSTREAM_PORT: expected 0 to 65535, got "65536"\.$/m],
    [[], { UPSTREAM_PORT: 'http' }, /^UPSTREAM_PORT: /],
    [[], { SHOP_FAULTS: '{"a": {"b": 1}}' }, /^SHOP_FAULTS: Not a fault: \{"b":1\}$/m],
  ] satisfies [string[], Record<string, string>, RegExp][])(
    '%j %j ends with 1 and says why',
    async (args, environment, line) => {
      const { exit, output } = run(args, { DATABASE_URL: seeded.url, ...environment });
      expect(await exit).toBe(1);
      expect(output()).toMatch(line);
      expect(output()).not.toContain('    at ');
    },
  );
});

describe('main.ts with the embedded Postgres', () => {
  it('serve seeds once, leaves no Postgres behind, and a second signal ends it at once', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-main-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const environment = { WEIR_DATA_DIR: dataDir };
    const seeding = run(['seed', '--scale', '0.01'], environment);
    expect(await seeding.exit).toBe(0);
    expect(seeding.output()).toContain('seeded in');

    const first = run([], environment);
    expect((await getUser(await first.ready())).users).toHaveLength(1);
    expect(first.output()).not.toContain('seeding');
    const pid = await postmasterOf(dataDir);
    first.child.kill('SIGINT');
    expect(await first.exit).toBe(0);
    expect(isAlive(pid)).toBe(false);

    const second = run([], environment);
    await second.ready();
    const secondPid = await postmasterOf(dataDir);
    second.child.kill('SIGINT');
    second.child.kill('SIGTERM');
    expect([0, 130]).toContain(await second.exit);
    await until(async () => !isAlive(secondPid));
  });

  it('serve stops while it seeds, and begins again the next time', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'weir-main-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const environment = { WEIR_DATA_DIR: dataDir };
    const first = run(['seed', '--scale', '5'], environment);
    await until(async () => first.output().includes('2/12'), 30_000);
    first.child.kill('SIGINT');
    expect(await first.exit).toBe(0);
    expect(first.output()).not.toContain('seeded in');
    const second = run(['seed', '--scale', '0.01'], environment);
    expect(await second.exit).toBe(0);
  });
});
