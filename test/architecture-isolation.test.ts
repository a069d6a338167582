import { globSync, readFileSync } from 'node:fs';
import { getNamedType, isInputObjectType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../schema/index.ts';
import type { SourceFile } from './kit/architecture.ts';
import { loaderFaults, outboundFaults, scriptFaults } from './kit/isolation-faults.ts';

const engine = read('src/**/*.ts');
const gateway = [...engine, ...read('{schema,loaders}/**/*.ts', 'weir.config.ts')];
const scripts = engine.filter(({ source }) => /redis\.call\(/.test(source));

describe('loaderFaults()', () => {
  it('109: finds no loader that outlives its operation', () => {
    expect(gateway.length).toBeGreaterThan(100);
    expect(loaderFaults(gateway)).toEqual([]);
  });

  it.each([
    'const byId = createLoader(definition, undefined, scope);',
    'export const registry = createLoaderRegistry<Context>({ context });',
    "import DataLoader from 'dataloader';",
    'const users = new DataLoader(fetch);',
    'function all() {\n  return createLoaderRegistry({ context });\n}',
  ])('109: finds one in %j', (source) => {
    expect(loaderFaults([{ path: 'loaders/users.ts', source }])).not.toEqual([]);
  });

  it('109: finds one in a place where one is made for each operation', () => {
    const source = 'const everybody = createLoaderRegistry({ context });';
    expect(loaderFaults([{ path: 'src/operation/context.ts', source }])).toHaveLength(1);
  });
});

describe('outboundFaults()', () => {
  it('121: finds nothing that could call an address which a caller gave', () => {
    expect(outboundFaults(gateway)).toEqual([]);
  });

  it.each([
    'const answer = await fetch(url);',
    "import { createServer, request } from 'node:http';",
    "import { connect } from 'node:net';",
    'const channel = createChannel(settings);',
    'const redis = new Redis(args.url, {});',
    "import { Agent } from 'undici';",
    'const socket = new WebSocket(url);',
  ])('121: finds %j', (source) => {
    expect(outboundFaults([{ path: 'schema/avatar.ts', source }])).toHaveLength(1);
  });

  it('121: finds one address among all inputs of the schema, which is kept and shown', () => {
    const places = Object.values(schema.getTypeMap()).flatMap((type) => {
      if (type.name.startsWith('__')) return [];
      if (isInputObjectType(type))
        return Object.values(type.getFields()).map(
          (field) => [`${type.name}.${field.name}`, field.type] as const,
        );
      if (!isObjectType(type)) return [];
      return Object.values(type.getFields()).flatMap((field) =>
        field.args.map(
          (argument) => [`${type.name}.${field.name}(${argument.name})`, argument.type] as const,
        ),
      );
    });
    expect(places.length).toBeGreaterThan(50);
    const isAddress = /url|uri|host|target|webhook|callback|endpoint|origin|proxy/i;
    const found = places.filter(
      ([name, type]) => getNamedType(type).name === 'URL' || isAddress.test(name.replace(/^\w+\./, '')),
    );
    expect(found.map(([name]) => name)).toEqual(['UpdateProfileInput.avatar']);
  });
});

describe('scriptFaults()', () => {
  it('123: finds nothing in a script of Redis but keys, arguments and constants', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(5);
    expect(scriptFaults(engine)).toEqual([]);
  });

  it.each([
    'const script = `redis.call("GET", "#{prefix + key}")`;',
    'const script = `redis.call("GET", "#{keyOf(principal)}")`;',
    'function script(key: string) {\n  return `redis.call("DEL", "#{key}")`;\n}',
    'const run = (key) => redis.eval(`return redis.call("DEL", "#{key}")`);',
    'const script = `loadstring(ARGV[1])() redis.call("DEL", KEYS[1])`;',
  ])('123: finds %j, where # stands for a dollar sign', (text) => {
    const source = text.replaceAll('#{', '$' + '{');
    expect(scriptFaults([{ path: 'src/x.ts', source }])).not.toEqual([]);
  });
});

function read(...patterns: readonly string[]): readonly SourceFile[] {
  return globSync([...patterns])
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), source: readFileSync(path, 'utf8') }));
}
