import { once } from 'node:events';
import type { CertificateFiles, TestCertificate } from '../../test/kit/certificate-files.ts';
import { otherTestCertificate, testCertificate } from '../../test/upstream/test-certificate.ts';
import { type Ask, createConnection, openTls, type PreparedRequest } from './client.ts';
import { askOf, openSession } from './http2-client.ts';

/** A server over TLS that looks at its files all the time, and what it is asked. */
export interface ReplaceRun {
  readonly url: URL;
  readonly files: CertificateFiles;
  readonly prepare: (url: URL, version: 1 | 2) => PreparedRequest;
  readonly signal: AbortSignal;
}

/** What came of it; `failedRequests` is to be 0. */
export type ReplaceFigures = {
  readonly replacements: number;
  readonly requests: number;
  readonly connections: number;
  readonly failedRequests: number;
};

/** Milliseconds of load under one certificate. */
const pauseMs = 300;
const failedMs = 10;
const lastingClients = 4;
const freshClients = 4;

/**
 * Replaces the certificate again and again for `durationMs`, while clients ask over connections that last (HTTP/2 and
 * HTTP/1.1) and over new ones. A replacement counts when a new connection has seen it.
 */
export async function replaceUnderLoad(run: ReplaceRun, durationMs: number): Promise<ReplaceFigures> {
  const { url, files, prepare, signal } = run;
  const counts = { replacements: 0, requests: 0, connections: 0, failedRequests: 0 };
  let isOver = false;
  const loop = async (ask: Ask, version: 1 | 2) => {
    const request = prepare(url, version);
    while (!isOver) {
      counts.requests += 1;
      await ask(request).catch(() => {
        counts.failedRequests += 1;
        // A connection that is closed fails at once, for ever.
        return pause(failedMs, signal).catch(() => {});
      });
    }
  };
  await using stack = new AsyncDisposableStack();
  const loops: Promise<void>[] = [];
  for (let index = 0; index < lastingClients; index += 1) {
    const session = await openSession(url);
    const connection = createConnection(url, await openTls(url));
    stack.defer(() => {
      session.destroy();
      connection.close();
    });
    counts.connections += 2;
    loops.push(loop(askOf(session, url), 2), loop(connection.ask, 1));
  }
  for (let index = 0; index < freshClients; index += 1)
    loops.push(
      loop(async (request) => {
        counts.connections += 1;
        const connection = createConnection(url, await openTls(url));
        return connection.ask(request).finally(connection.close);
      }, 1),
    );
  const endMs = performance.now() + durationMs;
  try {
    while (performance.now() < endMs) {
      await pause(pauseMs, signal);
      const next = counts.replacements % 2 === 0 ? otherTestCertificate : testCertificate;
      await files.write(next);
      await untilServed(url, next, signal);
      counts.replacements += 1;
    }
  } finally {
    isOver = true;
    await Promise.all(loops);
  }
  return counts;
}

async function untilServed(url: URL, { certificate }: TestCertificate, signal: AbortSignal): Promise<void> {
  for (;;) {
    const socket = await openTls(url);
    const served = socket.getPeerX509Certificate()?.toString();
    socket.destroy();
    if (served === certificate) return;
    await pause(10, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await once(AbortSignal.any([AbortSignal.timeout(ms), signal]), 'abort');
  signal.throwIfAborted();
}
