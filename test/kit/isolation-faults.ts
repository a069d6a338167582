import type { Faults, SourceFile } from './architecture.ts';

/** Where the things that keep rows are made: by the registry of one operation, which its context owns. */
const loaderMakers: Readonly<Record<string, readonly string[]>> = {
  createCollector: ['src/batch/loader.ts'],
  createLoader: ['src/batch/registry.ts'],
  createLoaderRegistry: ['src/operation/context.ts'],
};

/** Loaders that outlive an operation: made elsewhere, made when a module is loaded, or made of a library of their own. */
export function loaderFaults(files: readonly SourceFile[]): Faults {
  return files.flatMap(({ path, source }) => [
    ...Object.entries(loaderMakers).flatMap(([name, places]) => {
      const calls = source.match(new RegExp(`(?<!function )\\b${name}(?:<[^>]*>)?\\(`, 'g')) ?? [];
      return calls.length > 0 && !places.includes(path) ? [`${path}: calls ${name}`] : [];
    }),
    ...[
      ...source.matchAll(
        /^(?:export )?(?:const|let|var) (\w+)[^\n]*= (?:create(?:Loader\w*|Collector)|new DataLoader)\b/gm,
      ),
    ].map(([, name]) => `${path}: ${name} is a loader for all operations`),
    ...(/\bfrom 'dataloader'/.test(source) ? [`${path}: imports dataloader`] : []),
  ]);
}

/** What may begin a connection, and who does: to addresses of the configuration alone, or of a command's own words. */
const connectors: readonly (readonly [what: RegExp, places: readonly string[]])[] = [
  [/(?<![.\w])fetch\(/, ['src/identity/jwks-url.ts', 'src/cli/revoke.ts']],
  [/\bcreateChannel\(/, ['src/upstream/channel.ts', 'src/upstream/upstream.ts']],
  [
    /\bnew (?:Redis|Cluster)\(/,
    ['src/guard/budget/budget-redis.ts', 'src/realtime/redis-channels.ts', 'src/realtime/redis-client.ts'],
  ],
  [/\bfrom '(?:undici|axios|got|node-fetch|node:dgram|node:dns(?:\/promises)?)'/, []],
  [
    /^import \{[^}]*\b(?:request|get|connect|createConnection|Agent)\b[^}]*\} from 'node:(?:https?|http2|net|tls)'/m,
    [],
  ],
  [/\bnew (?:WebSocket|EventSource|XMLHttpRequest)\(/, []],
];

/** Files that could begin a connection to wherever somebody wants. */
export function outboundFaults(files: readonly SourceFile[]): Faults {
  return files.flatMap(({ path, source }) =>
    connectors.flatMap(([what, places]) =>
      what.test(source.replaceAll(/^\s*(?:\*|\/\/|\/\*).*$/gm, '')) && !places.includes(path)
        ? [`${path}: ${what.source}`]
        : [],
    ),
  );
}

/** A text that is made when its module is loaded, before any request is there. */
const moduleText = /^(?:export )?const \w+ = (?:redisScript\()?`([^`]*)`/gm;

/** Scripts of Redis that anything but keys and arguments gets into: built in a function, or of more than constants. */
export function scriptFaults(files: readonly SourceFile[]): Faults {
  return files.flatMap(({ path, source }) => {
    const texts = [...source.matchAll(moduleText)].map(([, text = '']) => text);
    const elsewhere = source.replaceAll(moduleText, '');
    return [
      ...(/redis\.p?call\(/.test(elsewhere) ? [`${path}: a script that is no constant of its module`] : []),
      ...texts.flatMap((text) => [
        ...[...text.matchAll(/\$\{([^}]*)\}/g)].flatMap(([, inner = '']) =>
          /^[a-z]\w*(?:\.\w+)?$/.test(inner) ? [] : [`${path}: a script holds ${inner}`],
        ),
        ...(/\b(?:loadstring|load|dofile|require|setfenv)\s*\(/.test(text)
          ? [`${path}: a script runs a text`]
          : []),
      ]),
    ];
  });
}
