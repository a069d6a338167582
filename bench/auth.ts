import { systemClock } from '../src/clock.ts';
import { tokenFromAuthorization } from '../src/identity/authorization.ts';
import { signDevelopmentToken } from '../src/identity/development-keys.ts';
import { createIdentify } from '../src/identity/identify.ts';
import { createKeySource } from '../src/identity/keys.ts';
import { keyFromFilter } from '../src/identity/revocation.ts';
import { createRevocationList } from '../src/identity/revocation-list.ts';
import { createTokenVerifier, type TokenVerifier } from '../src/identity/token.ts';
import type { Scenario } from './harness/scenario.ts';
import { type Interval, medianInterval } from './harness/statistics.ts';

const issuer = 'weir-development';
const audience = 'weir';
const users = 1000;
/** As many as may be in force. */
const revoked = 10_000;
const minCycles = 15;
/** Slices this short lie within one time share of a busy machine. */
const sliceMs = 50;

/** Takes one header, as it came from the socket. */
type Step = (header: Buffer) => unknown;

/** From the bytes of an Authorization header to a principal: a token seen before, and one that was not. */
export const auth: Scenario = {
  description: 'verifying a bearer token in microseconds: seen before (warm), not seen before (cold)',
  run: async ({ seconds, signal, progress }) => {
    const keys = createKeySource({ kind: 'development' }, { clock: systemClock, production: false });
    try {
      const verifierOf = (options: { readonly cacheMaxEntries?: number }) =>
        createTokenVerifier({ issuer, audience, ...options }, { clock: systemClock, keys });
      const headers = await signHeaders();
      const steps: Readonly<Record<string, Step>> = {
        // What the others do besides: a request brings its own text, so each turn makes one.
        nothing: (header) => header.toString('latin1'),
        warm: verifyWith(verifierOf({})),
        // As a gateway does it, where others' tokens are revoked by every kind of filter.
        'warm, 10,000 revoked': identifyWith(verifierOf({})),
        // 1,000 tokens in turn through a cache of two: each has left it before it comes again.
        cold: verifyWith(verifierOf({ cacheMaxEntries: 2 })),
      };
      for (const step of Object.values(steps)) for (const header of headers) await step(header);
      const cycles = Math.max(minCycles, Math.round((seconds * 1000) / (3 * sliceMs)));
      const times = await runCycles(steps, headers, cycles, signal);
      progress(`${cycles} cycles of ${sliceMs} ms slices`);
      return Object.entries(times).map(([name, usPerToken]) => ({
        name,
        usPerToken: medianInterval(usPerToken),
        usMoreThanNothing: differences(usPerToken, times['nothing'] ?? []),
      }));
    } finally {
      keys.close();
    }
  },
};

function verifyWith(verifier: TokenVerifier): Step {
  return (header) => verifier.verify(tokenFromAuthorization(header.toString('latin1')) ?? '');
}

function identifyWith(verifier: TokenVerifier): Step {
  const list = createRevocationList();
  for (let index = 0; index < revoked; index += 1) {
    const nameIf = (isNamed: number) => (isNamed > 0 ? `other-${index}` : null);
    const shape = 1 + (index % 7);
    const filter = { subject: nameIf(shape & 1), tenant: nameIf(shape & 2), client: nameIf(shape & 4) };
    list.note(keyFromFilter(filter), Number.MAX_SAFE_INTEGER);
  }
  const identify = createIdentify(verifier, list.refuses);
  return (header) => identify({ authorization: header.toString('latin1'), address: undefined });
}

async function signHeaders(): Promise<readonly Buffer[]> {
  const tokens = Array.from({ length: users }, (_, index) =>
    signDevelopmentToken(
      { sub: `user-${index}`, issuer, audience, scope: 'orders:read payments:read' },
      systemClock,
    ),
  );
  return (await Promise.all(tokens)).map((token) => Buffer.from(`Bearer ${token}`));
}

/** Microseconds per turn of each step, slice by slice; who begins changes with each cycle. */
async function runCycles(
  steps: Readonly<Record<string, Step>>,
  headers: readonly Buffer[],
  cycles: number,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number[]>>> {
  const runners = Object.entries(steps).map(([name, step]) => ({ name, step, times: [] as number[] }));
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    for (const index of runners.keys()) {
      signal.throwIfAborted();
      const runner = runners[(index + cycle) % runners.length];
      if (runner) runner.times.push(await timeSlice(runner.step, headers));
    }
    // A step that is never asynchronous would keep Ctrl-C waiting to the end.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Object.fromEntries(runners.map(({ name, times }) => [name, times]));
}

async function timeSlice(step: Step, headers: readonly Buffer[]): Promise<number> {
  const startMs = performance.now();
  let turns = 0;
  let nowMs = startMs;
  for (; nowMs - startMs < sliceMs; nowMs = performance.now()) {
    for (const header of headers.slice(turns % users, (turns % users) + 100)) {
      const outcome = step(header);
      if (outcome instanceof Promise) await outcome;
    }
    turns += 100;
  }
  return ((nowMs - startMs) * 1000) / turns;
}

function differences(times: readonly number[], base: readonly number[]): Interval {
  return medianInterval(times.map((time, cycle) => time - (base[cycle] ?? Number.NaN)));
}
