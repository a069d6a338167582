import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentIdOf } from '../src/guard/documents/document-id.ts';
import { type Client, createClient, postBytes } from './harness/client.ts';
import { type Contestant, runContest } from './harness/contest.ts';
import { chooseCores } from './harness/cores.ts';
import type { HttpAnswer } from './harness/http-answer.ts';
import { type Program, startProgram } from './harness/program.ts';
import type { RunOptions, Scenario } from './harness/scenario.ts';

const documentId = documentIdOf(
  readFileSync(join(import.meta.dirname, 'peers/documents/small.graphql'), 'utf8'),
);
/** The good client has one request at a time: what it waits for is then not its own load. */
const connections = 1;

/** A good client's answers alone, and while others attack the same gateway. */
export const hostile: Scenario = {
  description: 'a good client beside 5,000 heads that come slowly, and beside rapid resets of HTTP/2',
  run: async (options) => {
    await using stack = new AsyncDisposableStack();
    const own = async (starting: Promise<Program>) => {
      const program = await starting;
      stack.defer(() => program.end());
      return program;
    };
    const gateway = await own(startGateway(options));
    const attacker = await own(startAttacker(gateway.address, options));
    const contestants = ['alone', 'slow-heads', 'resets'].map((name) => contestant(name, gateway, attacker));
    const results = await runContest(contestants, {
      seconds: options.seconds,
      connections,
      countCalls: async () => 0,
      onCycle: (done, inAll) => options.progress(`cycle ${done} of ${inAll}`),
      signal: options.signal,
    });
    return results.map(({ callsPerOperation: _none, ...figures }) => figures);
  },
};

function startGateway({ profileFolder, signal }: RunOptions): Promise<Program> {
  signal.throwIfAborted();
  return startProgram({
    name: 'gateway',
    args: ['src/cli/main.ts', 'start', '--config', 'bench/peers/edge.config.ts'],
    environment: { PORT: '0', ADMIN_PORT: '0', WEIR_LOG_LEVEL: 'error' },
    cores: chooseCores()?.server,
    profileFolder,
    ready: /ready on (https?:\S+)/,
  });
}

function startAttacker(address: string, { signal }: RunOptions): Promise<Program> {
  signal.throwIfAborted();
  return startProgram({
    name: 'attacker',
    args: ['bench/peers/attacker.ts', address],
    cores: chooseCores()?.others,
    ready: /attacker on (\S+)/,
  });
}

/** The attack, which its name says, goes on from before a slice until it is over. */
function contestant(name: string, { address, usage, profile }: Program, attacker: Program): Contestant {
  const url = new URL(address);
  const request = { bytes: postBytes(url, { documentId }), assertAnswer };
  const openClient = async (): Promise<Pick<Client, 'load' | 'close'>> => {
    await attacker.ask(name === 'alone' ? 'stop' : name);
    const client = await createClient(url, connections);
    return {
      load: async (next, durationMs) => {
        const timesMs = await client.load(next, durationMs);
        await attacker.ask('stop');
        return timesMs;
      },
      close: client.close,
    };
  };
  return { name, url, usage, profile, next: () => request, openClient };
}

function assertAnswer({ status, body }: HttpAnswer): void {
  if (status === 200 && body.includes('"__typename":"Query"') && !body.includes('"errors"')) return;
  throw new Error(`a wrong answer (${status}): ${body.toString('utf8', 0, 1000)}`);
}
