import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import type { Environment } from '../../src/config/environment.ts';
import type { IdentityConfig } from '../../src/config/identity.ts';
import { openTinyGateway } from '../kit/tiny-gateway.ts';

const own: IdentityConfig = {
  issuer: 'https://issuer.example',
  audience: ['first', 'second'],
  type: 'JWT',
  tenantClaim: 'org',
  maxLifetimeMs: 7_200_000,
  keys: { kind: 'development' },
};

const identities = {
  none: undefined,
  own,
  file: { issuer: 'x', audience: 'y', keys: { kind: 'file', path: 'keys.json' } },
  rsa: { ...own, algorithms: ['RS256'] },
} as const satisfies Readonly<Record<string, IdentityConfig | undefined>>;

type Name = keyof typeof identities;

const kit = pathToFileURL(join(import.meta.dirname, '../kit/tiny-schema.ts')).href;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-token-'));
  for (const [name, identity] of Object.entries(identities)) {
    const text = `import { buildTinySchema, createProbe } from '${kit}';
      export default { schema: buildTinySchema(createProbe()), upstreams: { library: { target: '127.0.0.1:1' } },
        ...${JSON.stringify(identity ? { identity } : {})} };`;
    await writeFile(join(folder, `${name}.config.ts`), text);
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe('weir token', () => {
  it('prints one line that a gateway takes for the user, its scopes and tenant, for an hour', async () => {
    await using tiny = await openTinyGateway();
    const { code, out, err } = await token(
      'none',
      '--sub',
      'user 1',
      '--scope',
      'b:write a:read',
      '--tenant',
      'süd',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const { iat = 0, exp } = decodeJwt(out.trim());
    expect(exp).toBe(iat + 3600);
    const answer = await tiny.ask('{ fast }', {}, { authorization: `Bearer ${out.trim()}` });
    expect(answer.status).toBe(200);
    expect(tiny.probe.contexts[0]?.principal).toMatchObject({
      kind: 'user',
      subject: 'user 1',
      tenant: 'süd',
      scopes: new Set(['a:read', 'b:write']),
    });
  });

  it('prints one for the issuer, audience, type and tenant that the configuration names', async () => {
    await using tiny = await openTinyGateway({ identity: own });
    const { out } = await token('own', '--sub', 'user-1', '--tenant', 'north', '--ttl', '2h');
    expect(decodeProtectedHeader(out.trim())).toMatchObject({ typ: 'JWT', alg: 'EdDSA' });
    expect(decodeJwt(out.trim())).toMatchObject({ iss: own.issuer, aud: 'first', org: 'north' });
    const answer = await tiny.ask('{ fast }', {}, { authorization: `Bearer ${out.trim()}` });
    expect(answer.status).toBe(200);
    expect(tiny.probe.contexts[0]?.principal).toMatchObject({ tenant: 'north' });
  });

  it.each([
    ['1s', 1],
    ['90s', 90],
    ['15m', 900],
    ['1h', 3600],
    ['3600s', 3600],
  ])('makes it good for %s', async (ttl, seconds) => {
    const { out } = await token('none', '--sub', 'user-1', '--ttl', ttl);
    const { iat = 0, exp } = decodeJwt(out.trim());
    expect(exp).toBe(iat + seconds);
  });

  it.each(['0s', '3601s', '61m', '2h', '24h', '1d', '1', 'h', '-1h', '1.5h', '1h ', '', '100000s'])(
    'refuses the time %j: none, no time, or more than the gateway accepts',
    async (ttl) => {
      expect(await token('none', '--sub', 'user-1', `--ttl=${ttl}`)).toEqual({
        code: 1,
        out: '',
        err: `token: expected --ttl from 1s to 3600s (identity.maxLifetimeMs), such as 30s, 15m or 1h, got "${ttl}"\n`,
      });
    },
  );

  it.each([
    ['no user', ['--scope', 'a:read']],
    ['an empty user', ['--sub', '']],
  ])('refuses %s', async (_what, words) => {
    expect(await token('none', ...words)).toEqual({
      code: 1,
      out: '',
      err: 'token: expected --sub with the id of a user, such as --sub user-1\n',
    });
  });

  it.each<readonly [string, Name, readonly string[], RegExp]>([
    ['a scope with two spaces', 'none', ['--scope', 'a:read  b:read'], /claim/],
    ['a scope with a quote', 'none', ['--scope', 'a"b'], /claim/],
    ['a user with a line break', 'none', ['--sub', 'a\nb'], /claim/],
    ['a user of 600 characters', 'none', ['--sub', 'x'.repeat(600)], /claim/],
    ['a token past the size limit', 'none', ['--scope', 'x'.repeat(10_000)], /too long/],
    ['an algorithm that is not accepted', 'rsa', [], /algorithm/],
  ])('prints none that the gateway would refuse: %s', async (_what, name, words, reason) => {
    const { code, out, err } = await token(name, '--sub', 'user-1', ...words);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^token: the gateway would refuse this one: .*\n$/);
    expect(err).toMatch(reason);
  });

  it('prints none where the development key is not the one that counts', async () => {
    const refusal = {
      code: 1,
      out: '',
      err: 'token: expected identity.keys of the kind "development", which is not for production\n',
    };
    expect(await token('file', '--sub', 'user-1')).toEqual(refusal);
    const production = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'x'.repeat(32) };
    expect(await run('none', ['--sub', 'user-1'], production)).toEqual(refusal);
    expect(await run('own', ['--sub', 'user-1'], production)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('identity.keys.kind'),
    });
  });
});

const token = (name: Name, ...words: readonly string[]) => run(name, words);

async function run(name: Name, words: readonly string[], environment: Environment = {}) {
  let out = '';
  let err = '';
  const code = await runCommand(['token', '--config', join(folder, `${name}.config.ts`), ...words], {
    environment,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stopped: () => Promise.resolve(),
  });
  return { code, out, err };
}
