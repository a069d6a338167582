import type { Metadata } from '@grpc/grpc-js';
import { WeirError } from '../errors.ts';
import type { CallRecord } from '../observe/timeline.ts';
import { onAbort } from '../signal.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { callTimeoutMs } from './deadline.ts';
import type { GrpcCode } from './grpc-code.ts';
import { LiveCall, type StartedRpc } from './live-call.ts';
import { metadataFrom } from './metadata.ts';
import type { PoolRefusal } from './pool.ts';

/** Makes the RPC at the live call's place, and sees to it that `settle` is called with its end. */
export type StartRpc = (live: LiveCall) => StartedRpc;

/** Why a call was not sent: the status it is recorded with, and its error. */
interface Refusal {
  readonly grpcCode: GrpcCode;
  readonly error: WeirError;
}

/**
 * Takes one call of `method` (its path) through its life: refuse or admit, start, cancel with the signal, record at the
 * end. Exactly one of `start` and `refused` runs, at once or after the wait for a place.
 */
export function openCall(
  host: CallHost,
  kind: CallRecord['kind'],
  method: string,
  call: CallOptions,
  start: StartRpc,
  refused: (error: WeirError) => void,
): void {
  const { clock } = host;
  const startedMs = clock.nowMs();
  const record = (code: GrpcCode) =>
    call.recorder?.call({ upstream: host.name, method, kind, durationMs: clock.nowMs() - startedMs, code });
  const refuse = ({ grpcCode, error }: Refusal) => {
    record(grpcCode);
    refused(error);
  };

  const admitted = admit(host, call, startedMs);
  if ('error' in admitted) {
    refuse(admitted);
    return;
  }
  const { metadata } = admitted;
  const poolName = call.deadlineMs === Number.POSITIVE_INFINITY ? 'streams' : 'calls';
  const pool = host[poolName];
  pool.enter(
    call.signal,
    (channel) => {
      // Anew, for the wait took its time.
      const timeoutMs = callTimeoutMs(call.deadlineMs, clock.nowMs(), host.deadlines);
      if (timeoutMs === undefined) {
        pool.leave(channel);
        refuse(deadlinePassed());
      } else
        begin(new LiveCall({ host, method, pool, channel, metadata, timeoutMs, record }), start, call.signal);
    },
    (why) => {
      if (why === 'overloaded') host.onOverload(poolName);
      refuse(refusalOf(why, call.signal));
    },
  );
}

function admit(host: CallHost, call: CallOptions, nowMs: number): Refusal | { readonly metadata: Metadata } {
  if (call.signal.aborted) return { grpcCode: 'CANCELLED', error: abortError(call.signal) };
  if (callTimeoutMs(call.deadlineMs, nowMs, host.deadlines) === undefined) return deadlinePassed();
  const metadata = metadataFrom(call);
  if (typeof metadata !== 'string') return { metadata };
  return { grpcCode: 'INVALID_ARGUMENT', error: new WeirError('BAD_REQUEST', { message: metadata }) };
}

function begin(live: LiveCall, start: StartRpc, signal: AbortSignal): void {
  const rpc = start(live);
  live.attach(
    rpc,
    onAbort(signal, () => live.cancel(abortError(signal))),
  );
}

/** The reason of our own abort, as a coded error: a deadline's TimeoutError stays a timeout, all else is CANCELLED. */
function abortError(signal: AbortSignal): WeirError {
  const reason = WeirError.from(signal.reason);
  return reason.code === 'INTERNAL_SERVER_ERROR'
    ? new WeirError('CANCELLED', { cause: signal.reason })
    : reason;
}

function deadlinePassed(): Refusal {
  return { grpcCode: 'DEADLINE_EXCEEDED', error: new WeirError('UPSTREAM_TIMEOUT') };
}

function refusalOf(why: PoolRefusal, signal: AbortSignal): Refusal {
  switch (why) {
    case 'aborted':
      return { grpcCode: 'CANCELLED', error: abortError(signal) };
    case 'overloaded':
      return { grpcCode: 'RESOURCE_EXHAUSTED', error: new WeirError('OVERLOADED') };
    case 'stuck':
    case 'closed':
      return { grpcCode: 'UNAVAILABLE', error: new WeirError('UPSTREAM_UNAVAILABLE') };
  }
}
