import { globSync, readFileSync } from 'node:fs';

/** What somebody may try, by its number. */
interface Threat {
  readonly number: number;
  readonly what: string;
}

/** Of each part its threats and what comes of them; the numbers that are left out are of nothing. */
const parts: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  'Documents and validation': [
    [1, 'thousands of nested selections: a coded 400'],
    [2, '50,000 nested: refused by their tokens before they are parsed'],
    [3, 'nested list literals'],
    [4, 'nested input objects'],
    [6, 'nested arrays in variables'],
    [7, 'inline fragments that multiply each other'],
    [8, 'one field thousands of times; a few hundred times is legal'],
    [9, 'fragments that are merged pairwise'],
    [11, 'fragments in circles'],
    [12, 'unknown directives'],
    [13, 'repeated directives'],
    [14, 'aliases and root fields'],
    [16, '`__typename` 500 times: answered'],
    [17, 'unknown fields: 50 are told'],
    [18, 'names that are nearly right: production suggests nothing'],
    [19, 'introspection: off in production, priced where it is on'],
    [21, 'unused variables'],
    [22, 'strings, comments, commas, controls and marks of byte order'],
    [23, 'an operation that is not named, or wrongly'],
    [24, 'subscriptions with several root fields, or conditions on one'],
  ],
  'Cost and pages': [
    [26, 'pages that are too large'],
    [27, 'pages of less than none, both ends, null: none lowers a price'],
    [28, 'sizes by default, variable, input object: one price'],
    [29, 'dear fields behind interfaces and unions'],
    [31, 'other variables of a known document'],
    [32, 'long lists as arguments'],
    [33, 'many mutations in one document'],
    [34, 'one mutation under many aliases'],
    [36, 'cursors that are forged, truncated, foreign or huge'],
    [37, 'results that are larger than their price'],
  ],
  'HTTP, cross-site requests, origins': [
    [38, 'mutations by `GET`: 405'],
    [39, 'mutations as forms: 415'],
    [41, 'mutations as `application/graphql`: 415'],
    [42, 'content types that are odd, repeated or none: 415'],
    [43, 'queries by `GET` without a header that browsers ask for first: 400'],
    [44, 'a `GET` with a body, a `POST` with a query in its address'],
    [46, 'preflights of origins that are not listed: told nothing'],
    [47, 'origins that look like listed ones'],
    [48, 'lists of operations: 400'],
    [49, 'multipart with `__proto__` in its map: 415'],
    [51, '`PUT`, `TRACE`, `CONNECT`, `OPTIONS *`, `HEAD`: 405'],
    [52, 'GraphiQL in production: 404'],
    [53, 'requests that are smuggled behind others: 400, and the connection ends'],
    [54, 'headers with the names of properties'],
    [56, 'hosts and addresses that are made up: believed of declared proxies'],
  ],
  'Exhaustion on the wire': [
    [57, 'a body of 60 MB: 413 at the limit'],
    [58, 'a body that does not end, or comes byte by byte: 408'],
    [59, 'heads that come slowly, on hundreds of connections: 408'],
    [61, 'compressed bodies that unfold: 415'],
    [62, 'HTTP/2: rapid resets'],
    [63, 'HTTP/2: resets that the server is made to send'],
    [64, 'HTTP/2: heads that go on'],
    [66, 'clients that leave too soon: nothing stays'],
    [67, 'too many connections, or streams on one'],
    [68, 'heads that are too large: 431'],
    [69, 'TLS: renegotiation, odd server names'],
    [71, 'large answers and regular expressions: nobody waits for 100 ms'],
  ],
  'WebSocket and event streams': [
    [72, 'thousands of subscriptions on one socket'],
    [73, 'a subscription before the acknowledgement'],
    [74, 'the older subprotocol'],
    [76, 'a second `connection_init`'],
    [77, 'messages of 50 MB'],
    [78, 'a million fragments'],
    [79, 'compressed frames'],
    [81, 'frames that are none, and floods of pings'],
    [82, 'readers that have stopped'],
    [83, 'an id that is in use'],
    [84, 'a token that expires meanwhile'],
    [86, 'peers that are gone without a word'],
    [87, 'everybody comes back at once'],
    [88, 'event streams: many, silent, with a forged `Last-Event-ID`'],
    [89, 'line breaks in events'],
    [91, 'Redis is cut off for a while'],
  ],
  Identity: [
    [92, 'tokens without a signature'],
    [93, 'a public key in place of a secret'],
    [94, 'key ids that are made up'],
    [96, 'tokens for others, of others, of another type'],
    [97, 'tokens without an end, or from the future'],
    [98, 'encrypted tokens'],
    [99, 'critical headers, claims twice'],
    [101, 'key hosts that are down, slow or wrong'],
    [102, 'keys that rotate under load'],
    [103, 'two tokens in one request'],
    [104, 'tokens that reach an upstream: none does'],
  ],
  'Authorization, isolation, leaks': [
    [107, '`node(id)` of somebody else'],
    [108, 'one entity by every path: one verdict'],
    [109, 'loaders that outlive their request'],
    [111, 'two users in one batch'],
    [112, 'kept answers without their subject'],
    [113, 'shared caches'],
    [114, 'one execution for several users'],
    [116, 'stacks, statements, hosts and paths in answers'],
    [117, 'errors that tell what exists'],
    [118, 'secrets in logs and traces'],
    [119, 'prices and traces for anybody'],
    [121, 'addresses that clients choose'],
    [122, 'line breaks in metadata'],
    [123, 'SQL, Lua and patterns'],
  ],
  'Idempotency and budgets': [
    [137, 'the key of another user or tenant'],
    [138, 'keys that are none'],
    [139, 'one key for two mutations'],
    [141, 'a key with a query or a subscription'],
    [142, 'outcomes of 8 MiB'],
    [143, 'callers who change their address, header or token'],
    [144, 'clocks that jump'],
    [146, 'refunds for what was done'],
    [147, 'hundreds at the edge of a budget'],
  ],
};

/** Every threat that has tests of its own. */
export const threats: readonly Threat[] = Object.values(parts).flatMap((rows) =>
  rows.map(([number, what]) => ({ number, what })),
);

/** The start of a test's name, such as `39, 41: ` or `T26: `, or within it `(T94)`. */
const namePattern = /['"`]((?:T?\d{1,3}(?:, )?)+): |\((T\d{1,3}(?:, T\d{1,3})*)\)/g;

/** The files whose tests name each number, from the root of the repository. */
export function filesByThreat(root: string): ReadonlyMap<number, readonly string[]> {
  const files = new Map<number, string[]>();
  for (const path of globSync('test/**/*.test.ts', { cwd: root }).toSorted())
    for (const number of numbersIn(readFileSync(`${root}/${path}`, 'utf8'))) {
      const known = files.get(number);
      if (known) known.push(path);
      else files.set(number, [path]);
    }
  return files;
}

/** The table of docs/threats.md. */
export function threatLines(root: string): readonly string[] {
  const files = filesByThreat(root);
  return Object.entries(parts).flatMap(([title, rows], at) => [
    ...(at === 0 ? [] : ['']),
    `## ${title}`,
    '',
    '| number | threat | tests |',
    '|---|---|---|',
    ...rows.map(([number, what]) => `| ${number} | ${what} | ${namesOf(files.get(number) ?? [])} |`),
  ]);
}

function namesOf(paths: readonly string[]): string {
  return paths.map((path) => `\`${path}\``).join(', ');
}

function numbersIn(source: string): ReadonlySet<number> {
  const names = [...source.matchAll(namePattern)].map(([, start, within]) => start ?? within ?? '');
  return new Set(names.flatMap((name) => name.match(/\d+/g) ?? []).map(Number));
}
