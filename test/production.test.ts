import { credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config/config.ts';
import { createGateway } from '../src/index.ts';
import { buildTinySchema, createProbe } from './kit/tiny-schema.ts';

const identity = {
  issuer: 'https://issuer.example',
  audience: 'weir',
  keys: { kind: 'url', url: 'https://issuer.example/keys' },
};
const remote = { target: 'dns:///books.example:443' };
const secure = { ...remote, credentials: credentials.createSsl() };

/** What production starts with. */
const sound = {
  schema: buildTinySchema(createProbe()),
  budget: { mode: 'off' },
  identity,
  cursors: { secrets: ['x'.repeat(32)] },
  server: { port: 0, adminPort: 0, allowedOrigins: ['https://app.example'], allowCredentials: true },
  variants: { web: { introspection: 'known' } },
  upstreams: { library: secure },
};

const { cursors: _leftOut, ...withoutSecrets } = sound;

/** What is for developers alone: the option that is named, and the configuration that has it. */
const faulty: readonly (readonly [string, object])[] = [
  ['identity.keys.kind', { ...sound, identity: { ...identity, keys: { kind: 'development' } } }],
  [
    'identity.keys.url',
    {
      ...sound,
      identity: { ...identity, keys: { kind: 'url', url: 'http://issuer.example/keys', allowHttp: true } },
    },
  ],
  [
    'server.allowedOrigins',
    { ...sound, server: { ...sound.server, allowedOrigins: ['*'], allowCredentials: false } },
  ],
  ['variants.web.introspection', { ...sound, variants: { web: { introspection: 'anyone' } } }],
  ['cursors.secrets', withoutSecrets],
  ['upstreams.library.credentials', { ...sound, upstreams: { library: remote } }],
  [
    'upstreams.library.credentials',
    { ...sound, upstreams: { library: { ...remote, credentials: credentials.createInsecure() } } },
  ],
];

const production = { NODE_ENV: 'production' };

describe('148: a gateway in production', () => {
  it('starts with what is sound', () => {
    expect(parseConfig(sound, production)).toMatchObject({ ok: true });
  });

  it.each(faulty)('does not start with what is wrong with %s, and names it', (option, config) => {
    const parsed = parseConfig(config, production);
    const faults = parsed.ok ? [] : parsed.faults;
    expect(faults).toEqual([expect.stringMatching(new RegExp(`(^|\\n)${option}: expected `))]);
    const open = () => createGateway(config as never, { environment: production }); // as: a faulty one is meant
    expect(open).toThrow(option);
  });

  it.each(faulty.filter(([option]) => option !== 'identity.keys.url'))(
    'outside production starts with %s as it was there',
    (_option, config) => {
      expect(parseConfig(config, {})).toMatchObject({ ok: true });
    },
  );

  it('says all of it at once', () => {
    const all = {
      ...withoutSecrets,
      identity: { ...identity, keys: { kind: 'development' } },
      server: { allowedOrigins: ['*'] },
      variants: { web: { introspection: 'anyone' } },
      upstreams: { library: remote },
    };
    const parsed = parseConfig(all, production);
    const named = parsed.ok ? [] : parsed.faults.map((fault) => fault.split(': ', 1)[0]);
    expect(named.toSorted()).toEqual([
      'cursors.secrets',
      'identity.keys.kind',
      'server.allowedOrigins',
      'upstreams.library.credentials',
      'variants.web.introspection',
    ]);
  });

  it('takes plain text to another machine where it is meant', () => {
    const meant = { ...sound, upstreams: { library: { ...remote, insecure: true } } };
    expect(parseConfig(meant, production)).toMatchObject({ ok: true });
    const unclear = { ...sound, upstreams: { library: { ...remote, insecure: 'yes' } } };
    expect(parseConfig(unclear, production)).toMatchObject({
      ok: false,
      faults: [
        'upstream "library": insecure must be true or false, got yes',
        expect.stringMatching(/^upstreams\.library\.credentials: /),
      ],
    });
  });
});
