import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentIdOf } from '../src/guard/documents/document-id.ts';
import { type CertificateFiles, writeCertificate } from '../test/kit/certificate-files.ts';
import { type PreparedRequest, postBytes } from './harness/client.ts';
import { type Contestant, type ContestResult, runContest } from './harness/contest.ts';
import { chooseCores } from './harness/cores.ts';
import { createFreshClient, type Opening } from './harness/fresh-client.ts';
import type { HttpAnswer } from './harness/http-answer.ts';
import { createHttp2Client } from './harness/http2-client.ts';
import { type Program, startProgram } from './harness/program.ts';
import { replaceUnderLoad } from './harness/replace-run.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';

const documentId = documentIdOf(
  readFileSync(join(import.meta.dirname, 'peers/documents/small.graphql'), 'utf8'),
);
const requestsAtOnce = 32;
const connectionsAtOnce = 8;

/** Shares of the time. */
const shares = { requests: 0.5, connections: 0.3, replacements: 0.2 } as const;

/** Each on a server of its own, which has nothing else to do. */
const protocols = [
  { name: 'http1', isSecure: false },
  { name: 'http1-tls', isSecure: true },
  { name: 'http2-tls', isSecure: true, openClient: createHttp2Client },
  { name: 'h2c', isSecure: false, openClient: createHttp2Client },
] as const;

const openings: readonly { readonly name: string; readonly opening: Opening }[] = [
  { name: 'connect', opening: 'plain' },
  { name: 'connect-tls-full', opening: 'full' },
  { name: 'connect-tls-resumed', opening: 'resumed' },
];

/** What TLS and HTTP/2 take of the gateway for an answer that takes next to nothing else. */
export const tls: Scenario = {
  description: 'a small trusted document over HTTP/1.1, TLS, HTTP/2 and h2c; handshakes; new certificates',
  run: async (options) => {
    await using stack = new AsyncDisposableStack();
    const files = stack.use(await writeCertificate());
    const start = async (name: string, isSecure: boolean) => {
      const program = await startGateway(name, isSecure ? files : undefined, options);
      stack.defer(() => program.end());
      return program;
    };
    const overProtocols: Contestant[] = [];
    for (const { name, isSecure, ...rest } of protocols)
      overProtocols.push({ ...contestant(await start(name, isSecure), name), ...rest });
    const overConnections: Contestant[] = [];
    for (const { name, opening } of openings) {
      const program = await start(name, opening !== 'plain');
      overConnections.push({ ...contestant(program, name), openClient: createFreshClient(opening) });
    }
    const requests = await contest(overProtocols, shares.requests, requestsAtOnce, options);
    const connections = await contest(overConnections, shares.connections, connectionsAtOnce, options);
    const replaced = await start('replaced', true);
    const { signal, seconds } = options;
    const run = { url: new URL(replaced.address), files, prepare, signal };
    const replacements = await replaceUnderLoad(run, seconds * shares.replacements * 1000);
    // Awaited here, or all would be ended before it begins.
    return [...requests, ...connections, { name: 'replaced', ...replacements }];
  },
};

/** With a certificate over TLS, else in plain text. */
function startGateway(
  name: string,
  files: CertificateFiles | undefined,
  options: RunOptions,
): Promise<Program> {
  options.signal.throwIfAborted();
  return startProgram({
    name,
    args: ['src/cli/main.ts', 'start', '--config', 'bench/peers/edge.config.ts'],
    environment: {
      PORT: '0',
      ADMIN_PORT: '0',
      WEIR_LOG_LEVEL: 'error',
      ...(files && { WEIR_TLS_CERT_FILE: files.certFile, WEIR_TLS_KEY_FILE: files.keyFile }),
    },
    cores: chooseCores()?.server,
    profileFolder: options.profileFolder,
    ready: /ready on (https?:\S+)/,
  });
}

function contestant({ address, usage, profile }: Program, name: string): Contestant {
  const url = new URL(address);
  const request = prepare(url, name.startsWith('http1') || name.startsWith('connect') ? 1 : 2);
  return { name, url, usage, profile, next: () => request };
}

function prepare(url: URL, version: 1 | 2): PreparedRequest {
  const body = { documentId };
  return { bytes: version === 1 ? postBytes(url, body) : Buffer.from(JSON.stringify(body)), assertAnswer };
}

function assertAnswer({ status, body }: HttpAnswer): void {
  if (status === 200 && body.includes('"__typename":"Query"') && !body.includes('"errors"')) return;
  throw new Error(`a wrong answer (${status}): ${body.toString('utf8', 0, 1000)}`);
}

async function contest(
  contestants: readonly Contestant[],
  share: number,
  connections: number,
  { seconds, signal, progress }: RunOptions,
): Promise<readonly Figures[]> {
  const results = await runContest(contestants, {
    seconds: seconds * share,
    connections,
    countCalls: async () => 0,
    onCycle: (done, inAll) => progress(`${contestants[0]?.name}: cycle ${done} of ${inAll}`),
    signal,
  });
  return results.map(withoutCalls);
}

/** No upstream is asked here. */
function withoutCalls({ callsPerOperation: _none, ...figures }: ContestResult): Figures {
  return figures;
}
