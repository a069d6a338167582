import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, it } from 'vitest';
import { parseConfig, processEnvironment, type Settings } from '../../src/config/config.ts';
import type { Environment } from '../../src/config/environment.ts';
import { shapeLimits } from '../../src/guard/shape/limits.ts';
import { defineConfig } from '../../src/index.ts';
import { defaultDocumentLimits } from '../guard/shape/default-limits.ts';
import { testEdgeSettings } from '../kit/edge-settings.ts';
import { testStreamSettings } from '../kit/stream-settings.ts';

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { a: { type: GraphQLString } } }),
});
const upstreams = { 'main-library': { target: '127.0.0.1:1' } };
const minimal = { schema, upstreams };
const secret = 'a-secret-of-our-own-that-is-long-enough';

/** Bounds of the guard: option, least, most. */
const guardOptions: [string, number, number][] = Object.entries(shapeLimits).map(([name, { min, max }]) => [
  `limits.${name}`,
  min,
  max,
]);

const defaultDocuments = {
  manifests: [],
  scope: 'documents:any',
  reloadMs: 5000,
  maxBytes: 268_435_456,
  automaticMaxDocuments: 0,
  automaticMaxBytes: 8_388_608,
};

describe('parseConfig()', () => {
  it('fills in every default when only schema and upstreams are given', () => {
    expect(settingsOf(minimal)).toEqual({
      schema,
      upstreams,
      production: false,
      identity: { issuer: 'weir-development', audience: 'weir', keys: { kind: 'development' } },
      server: { host: '127.0.0.1', port: 4000, adminPort: 4001, ...testEdgeSettings },
      tls: { certFile: '', keyFile: '', minVersion: 'TLSv1.2', reloadMs: 10_000 },
      limits: {
        bodyMaxBytes: 1_048_576,
        operationTimeoutMs: 5000,
        closeTimeoutMs: 8000,
        maxDeferredParts: 0,
        ...defaultDocumentLimits,
      },
      pages: { defaultSize: 20, maxSize: 100 },
      documents: defaultDocuments,
      realtime: {
        ...testStreamSettings,
        maxSubscriptionsPerPrincipal: 10_000,
        replayPricePercent: 50,
        drainWindowMs: 30_000,
      },
      cursors: { secrets: [expect.any(String)] },
      redis: { url: '' },
      prices: { scope: 'prices:read' },
      budget: { mode: 'enforce', legacyHeaders: false },
      traffic: { file: '', maxBytes: 104_857_600 },
      deprecation: { url: '' },
      policy: expect.any(Function),
      upstreamLimitPoints: {},
      log: { level: 'info' },
      variants: [
        {
          name: 'web',
          schema,
          paths: ['/graphql', '/web/graphql'],
          hosts: [],
          header: undefined,
          introspection: 'anyone',
          pages: { defaultSize: 20, maxSize: 100 },
          limits: {
            bodyMaxBytes: 1_048_576,
            operationTimeoutMs: 5000,
            maxDeferredParts: 0,
            ...defaultDocumentLimits,
          },
          documents: { ...defaultDocuments, allow: 'any' },
        },
      ],
    });
  });

  it.each([
    [{ manifests: Array.from({ length: 16 }, () => 'a.json') }, []],
    [
      { manifests: Array.from({ length: 17 }, () => 'a.json') },
      [expect.stringMatching(/documents\.manifests: expected at most 16 manifests/)],
    ],
    [
      { manifests: [''] },
      [expect.stringMatching(/documents\.manifests\.0: expected the path of a file or a folder/)],
    ],
    [{ allow: 'all' }, [expect.stringMatching(/documents\.allow: expected one of trusted, any, got 'all'/)]],
    [{ scope: '' }, [expect.stringMatching(/documents\.scope: expected the name of a scope/)]],
  ])('checks what it says of documents: %j', (documents, faults) => {
    const parsed = parseConfig({ ...minimal, documents }, {});
    expect(parsed.ok ? [] : parsed.faults).toEqual(faults);
  });

  it('trusts documents of manifests alone in production, unless a variant says otherwise', () => {
    const production = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'x'.repeat(32) };
    const variants = { web: {}, mobile: { documents: { allow: 'any' } } };
    const allowedIn = (environment: Record<string, string>) => {
      const parsed = parseConfig({ ...minimal, variants }, environment);
      return parsed.ok ? parsed.settings.variants.map(({ documents }) => documents.allow) : parsed.faults;
    };
    expect([allowedIn(production), allowedIn({})]).toEqual([
      ['trusted', 'any'],
      ['any', 'any'],
    ]);
  });

  it('keeps what the file says', () => {
    const given = { ...minimal, pages: { maxSize: 50 }, server: { host: '::1' } };
    expect(settingsOf(given)).toMatchObject({
      pages: { defaultSize: 20, maxSize: 50 },
      server: { host: '::1' },
    });
  });

  it.each([
    ['server.port', 0, 65_535],
    ['server.adminPort', 0, 65_535],
    ['server.compressionMinBytes', 0, 16_777_216],
    ['server.headersTimeoutMs', 100, 10_000],
    ['server.requestTimeoutMs', 5000, 300_000],
    ['server.keepAliveTimeoutMs', 1000, 600_000],
    ['server.maxHeaderBytes', 4096, 131_072],
    ['server.maxHeaders', 16, 1000],
    ['server.maxConnections', 1, 1_000_000],
    ['server.maxRequestsPerConnection', 1, 10_000_000],
    ['server.maxStreamsPerConnection', 1, 10_000],
    ['tls.reloadMs', 100, 3_600_000],
    ['limits.bodyMaxBytes', 1024, 67_108_864],
    ['limits.operationTimeoutMs', 50, 600_000],
    ['limits.closeTimeoutMs', 0, 600_000],
    ...guardOptions,
    ['limits.maxDeferredParts', 0, 10_000],
    ['limits.maxErrors', 1, 1000],
    ['limits.maxDocuments', 1, 100_000],
    ['limits.documentsMaxBytes', 1_048_576, 4_294_967_296],
    ['documents.reloadMs', 0, 3_600_000],
    ['documents.maxBytes', 1_048_576, 17_179_869_184],
    ['documents.automaticMaxDocuments', 0, 100_000],
    ['documents.automaticMaxBytes', 1024, 1_073_741_824],
    ['realtime.heartbeatMs', 10_001, 60_000],
    ['realtime.pongTimeoutMs', 100, 11_999],
    ['realtime.initTimeoutMs', 100, 60_000],
    ['realtime.maxConnections', 1, 1_000_000],
    ['realtime.maxConnectionsPerPrincipal', 1, 1_000_000],
    ['realtime.maxConnectsPerSecond', 1, 1_000_000],
    ['realtime.maxSubscriptionsPerPrincipal', 1, 1_000_000],
    ['realtime.maxOperationsPerConnection', 1, 10_000],
    ['realtime.maxMessagesPerSecond', 1, 100_000],
    ['realtime.maxPingsPerSecond', 1, 1000],
    ['realtime.frameMaxBytesBeforeAuth', 1024, 1_048_576],
    ['realtime.frameMaxBytes', 1024, 16_777_216],
    ['realtime.bufferMaxBytes', 65_536, 67_108_864],
    ['realtime.replayPricePercent', 0, 100],
    ['realtime.drainWindowMs', 0, 600_000],
    ['pages.maxSize', 20, 1000],
    ['pages.defaultSize', 1, 100],
  ])('takes %s from %d to %d and refuses what lies beside', (option, minimum, maximum) => {
    const [section = '', name = ''] = option.split('.');
    const withValue = (value: unknown) => ({ ...minimal, [section]: { [name]: value } });
    for (const value of [minimum, minimum + 1, maximum - 1, maximum]) {
      expect(parseConfig(withValue(value), {})).toMatchObject({ ok: true });
    }
    for (const value of [minimum - 1, maximum + 1]) {
      expect(faultsOf(withValue(value))).toEqual([
        expect.stringMatching(new RegExp(`^${section}\\.\\w+: expected `)),
      ]);
    }
  });

  it.each([
    ['4000', "got '4000'"],
    [1.5, 'got 1.5'],
    [Number.NaN, 'got NaN'],
    [10n, 'got 10n'],
    [null, 'got null'],
    [true, 'got true'],
  ])('refuses a port of %s with one line that says what came', (port, got) => {
    expect(faultsOf({ ...minimal, server: { port } })).toEqual([
      `server.port: expected a whole number from 0 to 65535, ${got}`,
    ]);
  });

  it('says each fault on one line, all at once, when many options are wrong', () => {
    const faults = faultsOf(
      {
        schema: {},
        upstreams: {
          Shouting: { target: 'x' },
          library: { target: '', channels: 0, timeout: '0.5s', frobnicate: 1 },
          other: 5,
        },
        server: { port: -1, hots: 'x' },
        limits: { bodyMaxBytes: '1MB' },
        pages: { defaultSize: 50, maxSize: 10 },
        log: { level: 'loud' },
        colour: 'blue',
      },
      { WEIR_LGO_LEVEL: 'x', WEIR_UPSTREAM_NOBODY: 'y', NODE_ENV: 'production' },
    );
    expect(faults).toEqual([
      'WEIR_LGO_LEVEL: unknown variable; see the README for those that there are',
      'WEIR_UPSTREAM_NOBODY: expected the name of an upstream (Shouting, library, other), got "nobody"',
      'schema: expected a GraphQLSchema, got {}',
      "upstreams.Shouting: expected an upstream name of lower-case letters, digits and hyphens, got 'Shouting'",
      'upstreams.other: expected the options of an upstream, got 5',
      'server.port: expected a whole number from 0 to 65535, got -1',
      'server.hots: unknown option; see the README for those that there are',
      "limits.bodyMaxBytes: expected a whole number from 1024 to 67108864, got '1MB'",
      'pages.defaultSize: expected at most pages.maxSize, got { defaultSize: 50, maxSize: 10 }',
      "log.level: expected one of silent, error, warn, info, got 'loud'",
      'colour: unknown option; see the README for those that there are',
      'upstream "library": target must be a non-empty string',
      'upstream "library": channels must be a whole number from 1 to 16, got 0',
      expect.stringMatching(/^upstream "library": timeout is not an option: /),
      'upstream "library": frobnicate is not an option',
      expect.stringMatching(/^cursors\.secrets: expected secrets of your own in production/),
      expect.stringMatching(/^upstreams\.Shouting\.credentials: expected secure ones in production/),
    ]);
    for (const fault of faults) expect(fault).not.toContain('\n');
  });

  it.each([undefined, null, 5, 'text', [], () => 1])('refuses %s as a configuration', (config) => {
    expect(faultsOf(config, { PORT: '1', WEIR_UPSTREAM_A: 'b' })).toEqual([
      expect.stringMatching(/^weir\.config\.ts: expected an object of options/),
    ]);
  });

  it('refuses a section that is no object even when a variable belongs into it', () => {
    expect(faultsOf({ ...minimal, server: 5, upstreams: [] }, { PORT: '1' })).toEqual([
      expect.stringMatching(/^upstreams: expected record/),
      'server: expected an object of options, got 5',
    ]);
  });

  it('refuses missing upstreams and takes none at all', () => {
    expect(faultsOf({ schema })).toEqual([expect.stringMatching(/^upstreams: expected /)]);
    expect(settingsOf({ schema, upstreams: {} }).upstreams).toEqual({});
  });

  it.each(['name', 'clock', 'onAnomaly'])('refuses %s among the options of an upstream', (option) => {
    expect(faultsOf({ schema, upstreams: { library: { target: 'x', [option]: 'y' } } })).toEqual([
      `upstreams.library.${option}: unknown option; the gateway gives it`,
    ]);
  });

  it.each([[5], [[null]], [[{ path: 1 }]], ['abc']])(
    'refuses idempotentMethods of %j',
    (idempotentMethods) => {
      expect(faultsOf({ schema, upstreams: { library: { target: 'x', idempotentMethods } } })).toEqual([
        'upstreams.library.idempotentMethods: expected an array of method definitions',
      ]);
    },
  );

  it('never repeats a secret, even a faulty one', () => {
    const config = { ...minimal, cursors: { secrets: ['short-secret', 7, secret] } };
    const faults = faultsOf(config, { NODE_ENV: 'production' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toMatch(/short-secret|own/);
    expect(faultsOf(minimal, { WEIR_CURSOR_SECRETS: 'short-secret' })).toEqual([
      'cursors.secrets.0: expected at least 32 characters',
    ]);
  });

  it.each([
    [31, false],
    [32, true],
    [33, true],
  ])('takes a cursor secret of %d characters: %j', (length, ok) => {
    expect(parseConfig({ ...minimal, cursors: { secrets: ['x'.repeat(length)] } }, {}).ok).toBe(ok);
  });

  it.each([
    [0, false],
    [1, true],
    [8, true],
    [9, false],
  ])('takes %d cursor secrets: %j', (count, ok) => {
    const secrets = Array.from({ length: count }, (_, index) => `${secret}-${index}`);
    expect(parseConfig({ ...minimal, cursors: { secrets } }, {}).ok).toBe(ok);
  });

  it('does not let a value of any size onto its line', () => {
    const faults = faultsOf({
      ...minimal,
      server: { port: 'x'.repeat(10_000), host: { deep: { deeper: {} } } },
    });
    for (const fault of faults) expect(fault.length).toBeLessThan(200);
    expect(faults).toHaveLength(2);
  });
});

describe('parseConfig() with variants', () => {
  const variants = (given: unknown) => ({ ...minimal, variants: given });

  it('lays what a variant says over what all say', () => {
    const { variants: parsed } = settingsOf({
      ...minimal,
      pages: { defaultSize: 10, maxSize: 50 },
      limits: { operationTimeoutMs: 700, closeTimeoutMs: 1 },
      variants: {
        web: {},
        mobile: { pages: { maxSize: 12 }, limits: { maxDepth: 7 }, introspection: 'known' },
      },
    });
    expect(parsed).toMatchObject([
      { name: 'web', paths: ['/graphql', '/web/graphql'], pages: { defaultSize: 10, maxSize: 50 } },
      {
        name: 'mobile',
        schema,
        paths: ['/mobile/graphql'],
        introspection: 'known',
        pages: { defaultSize: 10, maxSize: 12 },
        limits: { maxDepth: 7, operationTimeoutMs: 700 },
      },
    ]);
    expect(parsed.every(({ limits }) => !('closeTimeoutMs' in limits))).toBe(true);
  });

  it('takes ten lines for a third variant', () => {
    const tv = { paths: ['/tv'], hosts: ['tv.example.com'], header: { name: 'x-app', value: 'tv' } };
    expect(settingsOf(variants({ web: {}, mobile: {}, tv })).variants.map(({ name }) => name)).toEqual([
      'web',
      'mobile',
      'tv',
    ]);
  });

  it('tells the schema to nobody in production unless a variant says to whom, and never to anyone', () => {
    const production = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: secret };
    const given = variants({ web: {}, mobile: { introspection: 'known' } });
    const parsed = parseConfig(given, production);
    expect(parsed.ok && parsed.settings.variants.map(({ introspection }) => introspection)).toEqual([
      'nobody',
      'known',
    ]);
    expect(faultsOf(variants({ web: { introspection: 'anyone' } }), production)).toEqual([
      "variants.web.introspection: expected known or nobody in production, got 'anyone'",
    ]);
  });

  it.each<[string, unknown, string]>([
    ['none', {}, 'variants: expected at least one variant, got {}'],
    [
      'a name of other characters',
      { Web: {} },
      "variants.Web: expected a variant name of lower-case letters, digits and hyphens, got 'Web'",
    ],
    [
      'an unknown option',
      { web: { colour: 1 } },
      'variants.web.colour: unknown option; see the README for those that there are',
    ],
    [
      'a bound of the whole gateway',
      { web: { limits: { closeTimeoutMs: 1 } } },
      'variants.web.limits.closeTimeoutMs: unknown option; see the README for those that there are',
    ],
    [
      'a bound that is too low',
      { web: { limits: { maxDepth: 0 } } },
      'variants.web.limits.maxDepth: expected a whole number from 1 to 50, got 0',
    ],
    [
      'page sizes that contradict those of all',
      { web: { pages: { maxSize: 10 } } },
      'variants.web.pages.defaultSize: expected at most pages.maxSize, got { defaultSize: 20, maxSize: 10 }',
    ],
    [
      'a path without its slash',
      { web: { paths: ['graphql'] } },
      "variants.web.paths.0: expected a path such as /mobile/graphql, got 'graphql'",
    ],
    [
      'a host with a port',
      { web: { hosts: ['a.example:80'] } },
      "variants.web.hosts.0: expected a host in lower case, without a port, got 'a.example:80'",
    ],
    [
      'a header with capitals',
      { web: { header: { name: 'X-App', value: 'x' } } },
      "variants.web.header.name: expected the name of a header in lower case, got 'X-App'",
    ],
  ])('refuses %s', (_, given, fault) => {
    expect(faultsOf(variants(given))).toEqual([fault]);
  });

  it('gives each variant its view of the schema, and says what is wrong with one', () => {
    const hidden = (type: GraphQLObjectType) =>
      new GraphQLSchema({
        query: new GraphQLObjectType({
          name: 'Query',
          fields: {
            a: { type: GraphQLString },
            b: { type, extensions: { weirVariants: ['web'] } },
          },
        }),
      });
    const other = (extensions: Readonly<Record<string, unknown>>) =>
      new GraphQLObjectType({ name: 'Other', extensions, fields: { c: { type: GraphQLString } } });
    const both = { web: {}, mobile: {} };
    const [web, mobile] = settingsOf({ ...minimal, schema: hidden(other({})), variants: both }).variants;
    expect(web.schema.getType('Other')).toBeDefined();
    expect(mobile?.schema.getType('Other')).toBeUndefined();
    const wrong = hidden(other({ weirVariants: ['mobile', 'watch'] }));
    expect(faultsOf({ ...minimal, schema: wrong, variants: both })).toEqual([
      'schema: Other: expected names of variants (web, mobile), got "watch"',
      'variants.web.schema: Query.b is shown, and its type Other is hidden',
    ]);
  });

  const header = (value: string) => ({ name: 'x-app', value });

  it.each<[string, object, object]>([
    ['one path', {}, {}],
    ['the path of the event streams of the other', {}, { paths: ['/graphql/stream'] }],
    ['one path and one of its hosts', { hosts: ['a.example', 'b.example'] }, { hosts: ['b.example'] }],
    ['one path and one header', { header: header('x') }, { header: header('x') }],
    [
      'one path and two headers that may come together',
      { header: header('x') },
      { header: { name: 'x-b', value: 'x' } },
    ],
  ])('refuses two variants with %s', (_, one, other) => {
    const given = { one: { paths: ['/graphql'], ...one }, other: { paths: ['/graphql'], ...other } };
    expect(faultsOf(variants(given))).toEqual([
      expect.stringMatching(
        /^variants\.other: expected another path, host or header than that of "one", got /,
      ),
    ]);
  });

  it.each<[string, object, object]>([
    ['hosts', { hosts: ['a.example'] }, { hosts: ['b.example'] }],
    ['a host of one', {}, { hosts: ['b.example'] }],
    ['a header of one', {}, { header: header('x') }],
    ['values of one header', { header: header('x') }, { header: header('y') }],
    ['a host and a header', { hosts: ['a.example'] }, { header: header('y') }],
  ])('takes two variants at one path that differ by %s', (_, one, other) => {
    const given = { one: { paths: ['/graphql'], ...one }, other: { paths: ['/graphql'], ...other } };
    expect(faultsOf(variants(given))).toEqual([]);
  });
});

describe('parseConfig() with an environment', () => {
  it('lets variables go before the file', () => {
    const settings = settingsOf(
      { ...minimal, server: { port: 1, host: 'a' }, log: { level: 'warn' } },
      {
        HOST: 'b',
        PORT: '2',
        WEIR_LOG_LEVEL: 'error',
        WEIR_CURSOR_SECRETS: `${secret}-1,${secret}-2`,
        WEIR_UPSTREAM_MAIN_LIBRARY: 'dns:///books:1',
      },
    );
    expect(settings).toMatchObject({
      server: { host: 'b', port: 2 },
      log: { level: 'error' },
      cursors: { secrets: [`${secret}-1`, `${secret}-2`] },
      upstreams: { 'main-library': { target: 'dns:///books:1' } },
    });
  });

  it('leaves the configuration that it was given as it was', () => {
    const config = { ...minimal, server: { port: 1 } };
    settingsOf(config, { PORT: '2', WEIR_UPSTREAM_MAIN_LIBRARY: 'x' });
    expect(config).toEqual({
      schema,
      upstreams: { 'main-library': { target: '127.0.0.1:1' } },
      server: { port: 1 },
    });
  });

  it.each(['', ' ', '80a', '0x50', '1e3', '-1', '8.5', '99999', '4294967376'])('refuses PORT=%j', (PORT) => {
    expect(faultsOf(minimal, { PORT })).toEqual([expect.stringMatching(/^server\.port: expected .*, got /)]);
  });

  it.each(['WEIR_', 'WEIR_PORT', 'WEIR_CURSOR_SECRET', 'WEIR_LOG_LEVELS', 'WEIR_UPSTREAM'])(
    'refuses the variable %s, which means nothing',
    (variable) => {
      expect(faultsOf(minimal, { [variable]: 'x' })).toEqual([
        `${variable}: unknown variable; see the README for those that there are`,
      ]);
    },
  );

  it.each(['WEIR_UPSTREAM_CONSTRUCTOR', 'WEIR_UPSTREAM___PROTO__', 'WEIR_UPSTREAM_'])(
    'refuses %s, which names no upstream',
    (variable) => {
      expect(faultsOf(minimal, { [variable]: 'x' })).toEqual([
        expect.stringMatching(
          new RegExp(`^${variable}: expected the name of an upstream \\(main-library\\)`),
        ),
      ]);
    },
  );

  it('takes variables of others, and ours that are unset', () => {
    const environment = { PATH: '/bin', WEIRD: '1', WEIR_DATA_DIR: '.data', WEIR_NONE: undefined };
    expect(parseConfig(minimal, environment)).toMatchObject({ ok: true });
  });

  it('refuses an empty target of an upstream', () => {
    expect(faultsOf(minimal, { WEIR_UPSTREAM_MAIN_LIBRARY: '' })).toEqual([
      'upstream "main-library": target must be a non-empty string',
    ]);
  });

  it('refuses the development secret in production, given or left out, and takes one of our own', () => {
    const development = settingsOf(minimal).cursors.secrets;
    const production = { NODE_ENV: 'production' };
    const refused = [expect.stringMatching(/^cursors\.secrets: .*WEIR_CURSOR_SECRETS/)];
    expect(faultsOf(minimal, production)).toEqual(refused);
    expect(faultsOf({ ...minimal, cursors: { secrets: [secret, ...development] } }, production)).toEqual(
      refused,
    );
    expect(settingsOf({ ...minimal, cursors: { secrets: [secret] } }, production)).toMatchObject({
      production: true,
    });
    expect(settingsOf(minimal, { ...production, WEIR_CURSOR_SECRETS: secret })).toMatchObject({
      production: true,
    });
  });
});

describe('defineConfig()', () => {
  it('gives back what it is given', () => {
    expect(defineConfig(minimal)).toBe(minimal);
  });
});

describe('processEnvironment()', () => {
  it('is the environment of this process', () => {
    expect(processEnvironment()['PATH']).toBe(process.env['PATH']);
  });
});

function settingsOf(config: unknown, environment: Environment = {}): Settings {
  const parsed = parseConfig(config, environment);
  if (parsed.ok) return parsed.settings;
  throw new Error(parsed.faults.join('\n'));
}

function faultsOf(config: unknown, environment: Environment = {}): readonly string[] {
  const parsed = parseConfig(config, environment);
  return parsed.ok ? [] : parsed.faults;
}
