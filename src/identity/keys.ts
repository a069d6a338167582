import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { createDevelopmentKeys } from './development-keys.ts';
import { fetchKeySet, maxKeySetBytes } from './jwks-url.ts';
import type { KeyTimes } from './key-reader.ts';
import { parseJwkSet, parseKeys } from './key-set.ts';
import { createRefreshingKeys, type KeySource } from './refreshing-keys.ts';

/**
 * Where keys come from: `url`, a JWK Set by https (plain http only with `allowHttp`, outside production); `file`, a JWK
 * Set or PEM, looked at again every 5 s; `development`, a key that everybody has, outside production.
 */
export type KeyOptions =
  | ({ readonly kind: 'url'; readonly url: string; readonly allowHttp?: boolean } & Partial<KeyTimes>)
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'development' };

/** What a key source is made with. */
export interface KeyParts {
  readonly clock: Clock;
  readonly log?: Log | undefined;
  /** Refuses what is for development only. */
  readonly production: boolean;
}

/**
 * The times of a JWK Set URL in milliseconds: default and bounds. `maxAgeMs` is below the usual 10 minutes so that a key
 * that its owner removed stops working within 60 s; the price is one small GET per 30 s of traffic.
 */
export const keyTimeLimits = {
  timeoutMs: { default: 5_000, min: 100, max: 30_000 },
  cooldownMs: { default: 30_000, min: 1_000, max: 600_000 },
  maxAgeMs: { default: 60_000, min: 1_000, max: 86_400_000 },
  maxStaleMs: { default: 86_400_000, min: 1_000, max: 86_400_000 },
} as const satisfies Readonly<Record<keyof KeyTimes, TimeLimit>>;

interface TimeLimit {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const fileTimes: KeyTimes = {
  timeoutMs: 5_000,
  cooldownMs: 5_000,
  maxAgeMs: 10_000,
  maxStaleMs: 86_400_000,
};

const timeNames = Object.keys(keyTimeLimits) as (keyof KeyTimes)[]; // exactly the table's keys

/** One line per fault of `options`, each naming the option, what was expected and what came; empty when all is well. */
export function keyFaults(options: KeyOptions, production: boolean): readonly string[] {
  switch (options.kind) {
    case 'development':
      return production
        ? ['keys.kind: expected "url" or "file" in production, got "development", a key that everybody has']
        : [];
    case 'file':
      return options.path === '' ? ['keys.path: expected the path of a JWK Set or PEM, got ""'] : [];
    case 'url':
      return [
        ...faultsOfUrl(options.url, options.allowHttp === true && !production),
        ...faultsOfTimes(options),
      ];
  }
}

/** A source of keys that is read on first use; throws RangeError with the lines of {@link keyFaults} if there are any. */
export function createKeySource(options: KeyOptions, { clock, log, production }: KeyParts): KeySource {
  const faults = keyFaults(options, production);
  if (faults.length > 0) throw new RangeError(faults.join('\n'));
  switch (options.kind) {
    case 'development':
      return createDevelopmentKeys();
    case 'file': {
      const read = (signal: AbortSignal) => readKeyFile(options.path, signal);
      const parts = { name: 'file', read, parse: parseKeys, times: fileTimes };
      return createRefreshingKeys({ ...parts, clock, log });
    }
    case 'url': {
      const url = new URL(options.url);
      const read = (signal: AbortSignal) => fetchKeySet(url, signal);
      const parts = { name: url.origin + url.pathname, read, parse: parseJwkSet, times: timesFrom(options) };
      return createRefreshingKeys({ ...parts, clock, log });
    }
  }
}

function faultsOfUrl(text: string, mayBeHttp: boolean): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return ['keys.url: expected an absolute URL'];
  if (url.username !== '' || url.password !== '') return ['keys.url: expected no user and password in it'];
  if (url.protocol === 'https:' || (mayBeHttp && url.protocol === 'http:')) return [];
  return [
    `keys.url: expected https (http only outside production with keys.allowHttp), got ${url.protocol}//${url.host}`,
  ];
}

function timesFrom(options: Partial<KeyTimes>): KeyTimes {
  const times = timeNames.map((name) => [name, options[name] ?? keyTimeLimits[name].default]);
  return Object.fromEntries(times) as KeyTimes; // exactly the table's keys
}

function faultsOfTimes(options: Partial<KeyTimes>): string[] {
  const times = timesFrom(options);
  const faults = timeNames.flatMap((name) => {
    const { min, max } = keyTimeLimits[name];
    const fits = Number.isInteger(times[name]) && times[name] >= min && times[name] <= max;
    return fits ? [] : [`keys.${name}: expected a whole number from ${min} to ${max}, got ${times[name]}`];
  });
  if (times.maxAgeMs < times.cooldownMs)
    faults.push(
      `keys.maxAgeMs: expected at least keys.cooldownMs (${times.cooldownMs}), got ${times.maxAgeMs}`,
    );
  return faults;
}

/** The file's text; rejects when there is no such file, it is no plain file, or larger than {@link maxKeySetBytes}. */
async function readKeyFile(path: string, signal: AbortSignal): Promise<string> {
  const facts = await stat(path);
  if (!facts.isFile()) throw new Error('expected a plain file'); // opening a pipe would wait for its writer, past any signal
  if (facts.size > maxKeySetBytes) throw new Error(`the file is larger than ${maxKeySetBytes} bytes`);
  return await readFile(path, { encoding: 'utf8', signal });
}
