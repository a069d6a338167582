import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { post } from '../kit/tiny-gateway.ts';
import { serveLibrary } from '../kit/tiny-service.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'src/cli/main.ts');
const oneBook = { query: '{ book(id: "Qm9vazo3") { title } }' }; // Book:7

let folder: string;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-main-'));
  config = join(folder, 'weir.config.ts');
  await writeFile(
    config,
    `import { buildTinySchema, createProbe } from '${root}/test/kit/tiny-schema.ts';
     export default { schema: buildTinySchema(createProbe()), upstreams: { library: { target: '127.0.0.1:1' } }, budget: { mode: 'off' } };`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe('weir', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('start ends with 0 when it gets %s', async (signal) => {
    const child = startWeir(['start', '--config', config]);
    const url = await child.ready;
    expect((await post(url, { query: '{ fast }' })).json).toEqual({ data: { fast: 'fast' } });
    const signalledMs = systemClock.nowMs();
    child.process.kill(signal);
    expect(await child.ended).toMatchObject({ code: 0, signal: null, err: '' });
    expect(systemClock.nowMs() - signalledMs).toBeLessThan(2000);
  });

  it('start lets an operation in flight end when it gets SIGTERM', async () => {
    await using service = await serveLibrary();
    let answer = () => {};
    service.behave('getBooks', (_call, reply) => {
      answer = () => reply(null, { rows: [] } as never);
    });
    const child = startWeir(['start', '--config', config], { WEIR_UPSTREAM_LIBRARY: service.target });
    const url = await child.ready;
    const arrived = service.nextCall('getBooks');
    const asked = post(url, oneBook);
    await arrived;
    child.process.kill('SIGTERM');
    await expect
      .poll(() =>
        fetch(url).then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed');
    answer();
    expect((await asked).json).toEqual({ data: { book: null } });
    expect(await child.ended).toMatchObject({ code: 0 });
  });

  it('start ends at once with 1 when the same signal comes again', async () => {
    await using service = await serveLibrary();
    service.behave('getBooks', () => {});
    const child = startWeir(['start', '--config', config], { WEIR_UPSTREAM_LIBRARY: service.target });
    const url = await child.ready;
    const arrived = service.nextCall('getBooks');
    const asked = post(url, oneBook).catch(() => 'cut off');
    await arrived;
    child.process.kill('SIGINT');
    await expect
      .poll(() =>
        fetch(url).then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed');
    child.process.kill('SIGINT');
    expect(await child.ended).toMatchObject({ code: 1 });
    expect(await asked).toBe('cut off');
  });

  it('start ends by itself with 1 and one line when it cannot listen', async () => {
    const child = startWeir(['start', '--config', config], { HOST: '192.0.2.1' });
    expect(await child.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Cannot listen on .*\n$/),
    });
  });

  it('check ends with 1 and one line when there is no such file', async () => {
    const child = startWeir(['check', '--config', 'nowhere.ts']);
    expect(await child.ended).toMatchObject({
      code: 1,
      out: '',
      err: 'nowhere.ts: there is no such file; name another with --config\n',
    });
  });

  it('without a word ends with 2', async () => {
    expect(await startWeir([]).ended).toMatchObject({ code: 2 });
  });
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

function startWeir(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { readonly process: ChildProcess; readonly ready: Promise<string>; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: '0', ADMIN_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const ready = Promise.withResolvers<string>();
  child.stdout.on('data', (bytes) => {
    out += bytes;
    const url = /^gateway ready on (\S+)$/m.exec(out)?.[1];
    if (url) ready.resolve(url);
  });
  child.stderr.on('data', (bytes) => {
    err += bytes;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, out, err }));
  ended.then(() => ready.reject(new Error(`ended before it was ready: ${err}`)));
  ready.promise.catch(() => {});
  return { process: child, ready: ready.promise, ended };
}
