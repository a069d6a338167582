import { dirname, join } from 'node:path/posix';

/** A file of the repository; `path` is relative to its root, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

/** What is wrong, one line each: `path: what`. */
export type Faults = readonly string[];

export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

/** The engine's ranks (design, section 2): a file imports its own folder and lower ranks. */
const ranks: Readonly<Record<string, number>> = {
  'src/errors.ts': 0,
  'src/canonical-json.ts': 0,
  'src/hmac.ts': 0,
  'src/whole.ts': 0,
  'src/networks.ts': 0,
  'src/is-object.ts': 0,
  'src/recent-map.ts': 0,
  'src/clock.ts': 0,
  'src/signal.ts': 0,
  'src/seal.ts': 1,
  'src/observe/': 1,
  'src/guard/': 2,
  'src/deprecation/': 2,
  'src/batch/': 2,
  'src/upstream/': 2,
  'src/page/': 2,
  'src/realtime/': 2,
  'src/identity/': 2,
  'src/idempotency/': 2,
  'src/caching/': 2,
  'src/operation/': 3,
  'src/pothos/': 3,
  'src/config/': 3,
  'src/transport/': 4,
  'src/variant.ts': 4,
  'src/gateway.ts': 5,
  'src/index.ts': 6,
  'src/cli/': 6,
};

const gen = 'upstream-protos/gen/';

/** What the folders around the engine may import besides themselves. */
const surroundings: Readonly<
  Record<string, { readonly values: readonly string[]; readonly types: readonly string[] }>
> = {
  'loaders/': { values: ['src/index.ts', gen], types: [] },
  'schema/': { values: ['src/index.ts', 'loaders/'], types: [gen] },
  'upstreams/': { values: [gen, 'seed/'], types: [] },
  'seed/': { values: [gen], types: [] },
  'scripts/': { values: [], types: [] },
  'weir.config.ts': { values: ['src/index.ts', 'schema/index.ts', 'loaders/'], types: [] },
  [gen]: { values: [], types: [] },
};

/** Every import and re-export of a file, static or dynamic. Relies on the formatter: one statement starts a line. */
export function importsOf({ source }: SourceFile): Import[] {
  const statics = source.matchAll(/^(?:import|export)\s+(type\s+)?(?:[\w*{][^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const dynamics = source.matchAll(/\bimport\('([^']+)'\)/g);
  return [
    ...[...statics].map(([, type, specifier = '']) => ({ specifier, isTypeOnly: type !== undefined })),
    ...[...dynamics].map(([, specifier = '']) => ({ specifier, isTypeOnly: false })),
  ];
}

/** Imports that the table of the house does not allow. */
export function rankFaults(files: readonly SourceFile[]): Faults {
  return files.flatMap((file) =>
    localImports(file).flatMap(({ target, isTypeOnly }) => {
      const reason = refusal(file.path, target, isTypeOnly);
      return reason === undefined ? [] : [`${file.path}: imports ${target}: ${reason}`];
    }),
  );
}

function refusal(path: string, target: string, isTypeOnly: boolean): string | undefined {
  const zone = zoneOf(path);
  if (zone === undefined) return 'the importing file has no place in the house';
  if (zone.endsWith('/') && target.startsWith(zone)) return undefined;
  const rank = ranks[zone];
  if (rank !== undefined) return rankRefusal(rank, target, isTypeOnly);
  const allowed = surroundings[zone];
  if (allowed?.values.some((place) => target.startsWith(place))) return undefined;
  if (allowed?.types.some((place) => target.startsWith(place)))
    return isTypeOnly ? undefined : 'only types may be';
  return `${zone} may import ${allowed?.values.join(', ') || 'nothing of ours'}`;
}

function rankRefusal(rank: number, target: string, isTypeOnly: boolean): string | undefined {
  const targetZone = zoneOf(target);
  const targetRank = targetZone === undefined ? undefined : ranks[targetZone];
  if (targetRank === undefined) return 'the engine imports nothing around it';
  // The lowest rank has no order of its own; a type among it makes no dependency at run time.
  if (targetRank < rank || (rank === 0 && targetRank === 0 && isTypeOnly)) return undefined;
  return `rank ${rank} may not import rank ${targetRank}`;
}

/** The part of the house that a path belongs to: a folder with its slash, or a file. */
function zoneOf(path: string): string | undefined {
  return [...Object.keys(ranks), ...Object.keys(surroundings)].find((zone) =>
    zone.endsWith('/') ? path.startsWith(zone) : path === zone,
  );
}

function localImports(file: SourceFile): { readonly target: string; readonly isTypeOnly: boolean }[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, isTypeOnly }) => ({ target: join(dirname(file.path), specifier), isTypeOnly }));
}

/** Circles of imports, types included: each once, from its first file by name. */
export function cycleFaults(files: readonly SourceFile[]): Faults {
  const graph = new Map(files.map((file) => [file.path, localImports(file).map(({ target }) => target)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of [...graph.keys()].sort()) visit(path, []);
  return found;
}

const environmentReaders = ['src/config/config.ts', 'upstreams/main.ts'];
/** A start script hands it on to the processes that it starts. */
const handedOn = /\.\.\.process\.env\b/g;

/** Files that read the environment though it is not theirs to read. */
export function environmentFaults(files: readonly SourceFile[]): Faults {
  const reads =
    /\bprocess\s*(?:\.\s*env\b|\[\s*'env'\s*\])|\benv\b[^;]*\}\s*from 'node:process'|\{[^}]*\benv\b[^}]*\} = process\b/;
  return files
    .filter(
      ({ path, source }) => !environmentReaders.includes(path) && reads.test(codeThatReads(path, source)),
    )
    .map(({ path }) => `${path}: reads process.env, which only ${environmentReaders.join(' and ')} may`);
}

function codeThatReads(path: string, source: string): string {
  return path.startsWith('scripts/') ? codeOf(source).replace(handedOn, '') : codeOf(source);
}

/** Words of protos that belong to GraphQL, gRPC or HTTP as much as to the shop, and are fine in the engine. */
const sharedWords: Readonly<Record<string, string>> = {
  PageInfo: 'the type of GraphQL Cursor Connections',
  PageRequest: 'which page of a list is wanted, of whatever list (AIP-158)',
  Message: 'what gRPC carries; errors and sockets have messages too',
};

/** Everyday names of what the protos describe. */
// Not "production".
const shopWords = [
  'product(?!ion)',
  'catalog',
  'payment',
  'customer',
  'shop',
  'chat',
  'warehouse',
  'voucher',
];

/** Names of the messages, services and enums of protos. */
export function protoTypeNames(protos: readonly SourceFile[]): string[] {
  return protos.flatMap(({ source }) =>
    [...source.matchAll(/^\s*(?:message|service|enum)\s+(\w+)/gm)].map(([, name = '']) => name),
  );
}

/** Words of the shop in the engine: proto type names as they are written, and everyday names in any case. */
export function domainWordFaults(files: readonly SourceFile[], typeNames: readonly string[]): Faults {
  const names = typeNames.filter((name) => !(name in sharedWords));
  // A proto type is a word of its own ("User", not "User-Agent"); an everyday name may be part of a longer one.
  const typeName = new RegExp(`\\b(?:${names.join('|')})s?\\b(?!-)`, 'g');
  const shopWord = new RegExp(`\\b\\w*(?:${shopWords.join('|')})\\w*\\b`, 'gi');
  return files.flatMap(({ path, source }) =>
    [typeName, shopWord]
      .flatMap((pattern) => [...source.matchAll(pattern)].map(([word]) => word))
      .map((word) => `${path}: ${word} is a word of the shop`),
  );
}

/** Default exports outside configuration files, and names that say nothing. */
export function namingFaults(files: readonly SourceFile[]): Faults {
  const bad = ({ path, source }: SourceFile) => [
    ...(/^export default\b|\bas default\b.*\}/m.test(source) && !path.endsWith('.config.ts')
      ? [`${path}: has a default export`]
      : []),
    ...(/(?:^|[/.-])(?:utils?|helpers?|misc)(?:[/.-]|$)/.test(path)
      ? [`${path}: its name says nothing`]
      : []),
    ...(/[A-Z_\s]/.test(path) ? [`${path}: is not in kebab-case`] : []),
  ];
  return files.flatMap(bad);
}

export const maxFileLines = 300;
export const maxFunctionLines = 60;

/** Files and functions over the ceiling, unless a comment that starts with `Over 300 lines:` or `Over 60 lines:` says why. */
export function sizeFaults(files: readonly SourceFile[]): Faults {
  return files.flatMap(({ path, source }) => {
    const lines = source.trimEnd().split('\n');
    const isExcused = lines.some((line) => line.includes(`Over ${maxFileLines} lines:`));
    return [
      ...(lines.length > maxFileLines && !isExcused ? [`${path}: has ${lines.length} lines`] : []),
      ...longFunctions(lines).map(({ line, length }) => `${path}:${line}: the function has ${length} lines`),
    ];
  });
}

/** Relies on the formatter: a body ends with the first brace that is indented as the line that opened it. */
function longFunctions(lines: readonly string[]): { readonly line: number; readonly length: number }[] {
  return lines.flatMap((text, index) => {
    const indent =
      /^( *)(?!(?:if|for|while|switch|else|do|try|catch|\} (?:else|catch))\b).*(?:=>|\)(?:: .+)?) \{$/.exec(
        text,
      )?.[1];
    if (indent === undefined) return [];
    const end = lines.findIndex((line, at) => at > index && line.startsWith(`${indent}}`));
    const length = end - index + 1;
    const isExcused = lines
      .slice(Math.max(0, index - 10), index)
      .some((line) => line.includes(`Over ${maxFunctionLines} lines:`));
    return length > maxFunctionLines && !isExcused ? [{ line: index + 1, length }] : [];
  });
}

/** package-lock.json, as far as it matters here. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}
interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * The least version of each major that has no known hole (reference: reliability, section 10). Majors above the last are
 * newer than the hole, those between and below are not fixed.
 */
export const dependencyFloors: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['1.14.4'],
  protobufjs: ['7.6.1', '8.4.1'],
  ws: ['8.21.1'],
  graphql: ['16.15.0', '17.1.0'],
  'graphql-yoga': ['5.21.3'],
  jose: ['6.0.0'],
  node: ['22.23.0', '24.0.0', '26.0.0'],
  '@apollo/server': ['5.5.0'],
};

/** Packages below their floor, wherever they are nested. */
export function floorFaults({ packages }: Lock): Faults {
  return Object.entries(packages).flatMap(([path, { version = '0.0.0' }]) => {
    const floors = dependencyFloors[path.split('node_modules/').at(-1) ?? ''];
    if (floors === undefined || floors.some((floor) => reaches(version, floor, floors))) return [];
    return [`${path}: ${version} is below ${floors.join(' and ')}`];
  });
}

function reaches(version: string, floor: string, floors: readonly string[]): boolean {
  const [major = 0, minor = 0, patch = 0] = numbersOf(version);
  const [floorMajor = 0, floorMinor = 0, floorPatch = 0] = numbersOf(floor);
  if (major !== floorMajor) return major > floorMajor && floor === floors.at(-1);
  return minor > floorMinor || (minor === floorMinor && patch >= floorPatch);
}

function numbersOf(version: string): number[] {
  return version.split(/[.-]/).map(Number);
}

/** What keeps `npm ci` from working on another machine: addresses of a registry, and platforms that are left out. */
export function lockFaults({ packages }: Lock): Faults {
  const resolved = Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined);
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  return [
    ...resolved.map(([path]) => `${path}: names the address that it came from`),
    ...missing.map(
      (name) =>
        `node_modules/${name}: is missing, so npm ci refuses the lock file: node scripts/complete-lock.js`,
    ),
  ];
}

/** The lines that are not comments. Relies on the formatter: a comment has lines of its own or follows code. */
function codeOf(source: string): string {
  return source
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .join('\n');
}
