import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preflighted } from '../kit/tiny-gateway.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The commands run on the Node that runs this. */
const env = {
  HOME: process.env['HOME'],
  PATH: [dirname(process.execPath), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  PORT: '0',
  ADMIN_PORT: '0',
};

/** What a team writes first. */
const config = `import SchemaBuilder from '@pothos/core';
import { defineConfig, type OperationContext, WeirPlugin, weirPluginName } from 'weir';

const builder = new SchemaBuilder<{ Context: OperationContext }>({ plugins: [weirPluginName] });
builder.queryType({
  fields: (t) => ({ hello: t.string({ resolve: (_root, _args, { requestId }) => \`\${WeirPlugin.name} \${requestId}\` }) }),
});
export default defineConfig({ schema: builder.toSchema(), upstreams: {} });
`;

let folder: string;
let app: string;

describe('the package', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-pack-'));
    app = join(folder, 'app');
    await installInto(app, await packIn(join(folder, 'weir')));
    await writeFile(join(app, 'weir.config.ts'), config);
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  it('serves the schema of a configuration of ten lines', async () => {
    expect(config.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
    const weir = spawn('npx', ['--no-install', 'weir', 'start'], {
      cwd: app,
      env,
      // A group of its own, as in a terminal: npx does not pass signals on.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(weir, 'close');
    try {
      const url = await readyUrl(weir.stdout);
      const answer = await fetch(`${url}?query={hello}`, {
        headers: { ...preflighted, 'x-request-id': 'pack' },
      });
      expect(await answer.json()).toMatchObject({ data: { hello: 'WeirPlugin pack' } });
    } finally {
      if (weir.pid !== undefined && weir.exitCode === null) process.kill(-weir.pid, 'SIGTERM');
      await ended;
    }
  });

  it('has its command', async () => {
    const { stdout } = await run('npx', ['--no-install', 'weir', 'schema'], { cwd: app, env });
    expect(stdout).toBe('type Query {\n  hello: String\n}\n');
  });

  it('has its types, those of the plugin too', async () => {
    await writeFile(
      join(app, 'wrong.ts'),
      `import { defineConfig } from 'weir';
       // @ts-expect-error The compiler sees that the port is no number.
       export const config = defineConfig({ schema: undefined, upstreams: {}, server: { port: 'x' } });`,
    );
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    await run('tsc', [...flags, ...types, 'weir.config.ts', 'wrong.ts'], { cwd: app, env });
  });

  it('holds what it needs at run time and no more', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: join(folder, 'weir'), env });
    const packed: unknown = JSON.parse(stdout);
    const text = JSON.stringify(packed);
    expect(text).toContain('dist/cli/main.js');
    expect(text).toContain('dist/index.d.ts');
    expect(text).not.toMatch(/"path":"(?!dist\/|package\.json|README|LICENSE)/);
  });
});

/** Builds a copy of the sources, so that the folder of this run stays as it is; resolves with the tarball's path. */
async function packIn(copy: string): Promise<string> {
  await mkdir(copy);
  for (const name of [
    'src',
    'scripts',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'README.md',
  ]) {
    await cp(join(root, name), join(copy, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await run(process.execPath, ['scripts/build.js'], { cwd: copy, env });
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: copy, env });
  return join(folder, stdout.trim());
}

async function installInto(project: string, tarball: string): Promise<void> {
  await mkdir(project);
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name: 'app', private: true, type: 'module' }),
  );
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...flags, tarball], { cwd: project, env });
}

async function readyUrl(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const url = /^gateway ready on (\S+)$/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('weir ended before it was ready');
}
