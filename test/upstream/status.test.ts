import { createServer } from 'node:net';
import { status } from '@grpc/grpc-js';
import { DebugInfo, ErrorInfo, RequestInfo, ResourceInfo, RetryInfo } from 'nice-grpc-error-details';
import { describe, expect, it } from 'vitest';
import { errorTable, WeirError } from '../../src/errors.ts';
import type { GrpcCode } from '../../src/upstream/grpc-code.ts';
import { statusTable } from '../../src/upstream/status.ts';
import { upstreamFailureOf } from '../../src/upstream/upstream-failure.ts';
import { callFor, failureOf, openUpstream, probe, serveProbe, statusOf } from './probe.ts';
import { detail, richStatus } from './rich-status.ts';

const canary = 'CANARY-db7.internal-SELECT-hunter2';

/** Everything a client could ever get of an error. */
const publicFaceOf = (error: WeirError) =>
  JSON.stringify({ code: error.code, message: error.message, ...error.extensions });

const detailKinds = {
  without: () => ({}),
  with: (code: number) => ({
    'grpc-status-details-bin': richStatus(
      code,
      [
        detail(ErrorInfo, { reason: 'SOME_REASON', domain: 'example.com', metadata: { host: canary } }),
        detail(DebugInfo, { stackEntries: [canary], detail: canary }),
        detail(RequestInfo, { requestId: canary }),
        detail(ResourceInfo, {
          resourceType: 'Thing',
          resourceName: canary,
          owner: canary,
          description: canary,
        }),
        detail(RetryInfo, { retryDelay: { seconds: 2, nanos: 0 } }),
      ],
      canary,
    ),
    'x-canary': canary,
  }),
  garbage: () => ({ 'grpc-status-details-bin': Buffer.from(canary), 'x-canary': canary }),
} as const;

const failures = Object.entries(statusTable).map(([name, fact]) => ({
  name: name as GrpcCode, // a key of the table
  number: status[name as GrpcCode],
  expected: fact.code,
}));

describe('upstreamError()', () => {
  it('has a row for each of the 16 failures of google.rpc.Code', () => {
    const names = Object.keys(status).filter((name) => Number.isNaN(Number(name)) && name !== 'OK');
    expect(Object.keys(statusTable).toSorted()).toEqual(names.toSorted());
  });

  for (const kind of ['unary', 'serverStream', 'serverStream after a message'] as const) {
    for (const [named, trailersFor] of Object.entries(detailKinds)) {
      it(`116: gives the table's code and no canary for every status of a ${kind} call ${named} details`, async () => {
        const failWith = (request: string) => statusOf(Number(request), canary, trailersFor(Number(request)));
        await using service = await serveProbe({
          unary: (call, reply) => reply(failWith(call.request)),
          serverStream: (call) => {
            if (kind === 'serverStream') call.emit('error', failWith(call.request));
            else call.write('m', () => call.emit('error', failWith(call.request)));
          },
        });
        await using upstream = openUpstream(service.target);
        for (const { name, number, expected } of failures) {
          const call = callFor();
          const error = await failureOf(
            kind === 'unary'
              ? upstream.unary(probe.unary, `${number}`, call)
              : Array.fromAsync(upstream.serverStream(probe.serverStream, `${number}`, call)),
          );
          if (!(error instanceof WeirError)) throw error;
          expect([name, error.code]).toEqual([name, expected]);
          expect(publicFaceOf(error)).not.toContain('CANARY');
          expect(JSON.stringify(error)).not.toContain('CANARY');
          expect(upstreamFailureOf(error)).toMatchObject({
            grpcCode: name,
            origin: 'remote',
            outcome: statusTable[name as keyof typeof statusTable].outcome,
          });
          // For the log it is all there: the negative control of the lines above.
          expect(upstreamFailureOf(error)?.message).toContain(canary);
          expect(call.records).toMatchObject([{ code: name }]);
        }
      });
    }
  }

  it('shows allow-listed details unless the code is masked, and retryAfterMs only where a retry makes sense', async () => {
    await using service = await serveProbe({
      unary: (call, reply) =>
        reply(statusOf(Number(call.request), canary, detailKinds.with(Number(call.request)))),
    });
    await using upstream = openUpstream(service.target);
    for (const { number, expected } of failures) {
      const error = await failureOf(upstream.unary(probe.unary, `${number}`, callFor()));
      if (!(error instanceof WeirError)) throw error;
      const shown = { reason: 'SOME_REASON', domain: 'example.com', resourceType: 'Thing' };
      const isMasked = expected === 'INTERNAL_SERVER_ERROR';
      expect(error.extensions).toEqual({
        ...(!isMasked && shown),
        ...(!isMasked && errorTable[expected].retryable && { retryAfterMs: 2_000 }),
      });
    }
  });

  it('names OUT_OF_RANGE as the reason when the service gives none', async () => {
    await using service = await serveProbe({
      unary: (_call, reply) => reply(statusOf(status.OUT_OF_RANGE, '')),
    });
    await using upstream = openUpstream(service.target);
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'BAD_USER_INPUT',
      extensions: { reason: 'OUT_OF_RANGE' },
    });
  });

  it("is UNAUTHENTICATED only when the service names a reason of the user's token", async () => {
    const trailers = (reason: string) => ({
      'grpc-status-details-bin': richStatus(status.UNAUTHENTICATED, [detail(ErrorInfo, { reason })]),
    });
    await using service = await serveProbe({
      unary: (call, reply) => reply(statusOf(status.UNAUTHENTICATED, '', trailers(call.request))),
    });
    await using standard = openUpstream(service.target);
    await using custom = openUpstream(service.target, { userTokenReasons: ['SESSION_OVER'] });
    const codeOf = async (upstream: typeof standard, reason: string) => {
      const error = await failureOf(upstream.unary(probe.unary, reason, callFor()));
      return error instanceof WeirError ? error.code : error;
    };
    expect(await codeOf(standard, 'USER_TOKEN_EXPIRED')).toBe('UNAUTHENTICATED');
    expect(await codeOf(standard, 'SESSION_OVER')).toBe('INTERNAL_SERVER_ERROR');
    expect(await codeOf(custom, 'SESSION_OVER')).toBe('UNAUTHENTICATED');
    expect(await codeOf(custom, 'USER_TOKEN_EXPIRED')).toBe('INTERNAL_SERVER_ERROR');
  });

  it('is UPSTREAM_UNAVAILABLE, not done and without the address when nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    await using upstream = openUpstream(`127.0.0.1:${port}`);
    for (const work of [
      () => upstream.unary(probe.unary, 'x', callFor()),
      () => upstream.serverStream(probe.serverStream, 'x', callFor()).next(),
    ]) {
      const error = await failureOf(work());
      if (!(error instanceof WeirError)) throw error;
      expect(error.code).toBe('UPSTREAM_UNAVAILABLE');
      expect(publicFaceOf(error)).not.toContain('127.0.0.1');
      expect(upstreamFailureOf(error)).toMatchObject({
        origin: 'local',
        outcome: 'notDone',
        breaker: 'failure',
      });
    }
  });
});
