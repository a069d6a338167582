import { credentials } from '@grpc/grpc-js';
import { WeirError } from '../errors.ts';
import { createActiveCalls } from './active-calls.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import { type ChannelSettings, type Connectivity, createChannel } from './channel.ts';
import { callClientStream } from './client-stream.ts';
import { closedDetailsPolicy } from './details.ts';
import { callDuplex } from './duplex.ts';
import { GuardedCredentials } from './guarded-credentials.ts';
import type { UpstreamNumbers } from './limits.ts';
import type { MethodDefinition } from './method-definition.ts';
import { type UpstreamOptions, upstreamFaults, upstreamNumbers } from './options.ts';
import { createPool, type Pool } from './pool.ts';
import type { Messages } from './reader.ts';
import { channelOptionsFrom } from './service-config.ts';
import { defaultUserTokenReasons } from './status.ts';
import { callServerStream } from './stream.ts';
import { callUnary } from './unary.ts';
import type { Requests } from './writer.ts';

export type { CallOptions, Messages, MethodDefinition };

/** How an upstream is at this moment, for readiness and metrics. */
export interface UpstreamState {
  /** The best of its connections for calls. `idle`: nobody has called yet, or not for long. */
  readonly connectivity: Connectivity;
  readonly inFlight: number;
  readonly waiting: number;
  /** Streams without a deadline. */
  readonly liveStreams: number;
}

/**
 * A gRPC service behind us. Every failure is a WeirError from the table in status.ts. Calls with a deadline share
 * `channels` connections; streams without one have `streamChannels` of their own and never wait for a place.
 */
export interface Upstream {
  readonly name: string;
  unary<Req, Res>(method: MethodDefinition<Req, Res>, request: NoInfer<Req>, call: CallOptions): Promise<Res>;
  serverStream<Req, Res>(
    method: MethodDefinition<Req, Res>,
    request: NoInfer<Req>,
    call: CallOptions,
  ): Messages<Res>;
  clientStream<Req, Res>(
    method: MethodDefinition<Req, Res>,
    requests: Requests<NoInfer<Req>>,
    call: CallOptions,
  ): Promise<Res>;
  duplex<Req, Res>(
    method: MethodDefinition<Req, Res>,
    requests: Requests<NoInfer<Req>>,
    call: CallOptions,
  ): Messages<Res>;
  state(): UpstreamState;
  /** Refuses new calls, cancels those in flight (UPSTREAM_UNAVAILABLE), closes the connections. Idempotent. */
  close(): Promise<void>;
}

/** Makes an upstream, connected at its first call. Throws one line per fault when the options are not right. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const faults = upstreamFaults(options);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const host = hostFrom(options);
  let closed: Promise<void> | undefined;
  return {
    name: host.name,
    unary: (method, request, call) => callUnary(host, method, request, call),
    serverStream: (method, request, call) => callServerStream(host, method, request, call),
    clientStream: (method, requests, call) => callClientStream(host, method, requests, call),
    duplex: (method, requests, call) => callDuplex(host, method, requests, call),
    state: () => ({
      connectivity: host.calls.connectivity(),
      inFlight: host.calls.inFlight,
      waiting: host.calls.waiting,
      liveStreams: host.streams.inFlight,
    }),
    close: () => {
      closed ??= closeHost(host);
      return closed;
    },
  };
}

function hostFrom(options: UpstreamOptions): CallHost {
  const { name, clock, onAnomaly } = options;
  const numbers = upstreamNumbers(options);
  return {
    name,
    clock,
    calls: poolFrom(options, numbers, { channels: numbers.channels, maxWaiting: numbers.maxQueue }),
    streams: poolFrom(options, numbers, { channels: numbers.streamChannels, maxWaiting: 0 }),
    deadlines: numbers,
    statuses: {
      errorMetadataKeys: options.errorMetadataKeys ?? closedDetailsPolicy.errorMetadataKeys,
      helpHosts: options.helpHosts ?? closedDetailsPolicy.helpHosts,
      resourceNames: options.resourceNames ?? closedDetailsPolicy.resourceNames,
      userTokenReasons: options.userTokenReasons ?? defaultUserTokenReasons,
    },
    active: createActiveCalls(),
    onOverload: (pool) => onAnomaly?.({ kind: 'overloaded', upstream: name, pool }),
  };
}

function poolFrom(
  { name, target, clock, onAnomaly, ...options }: UpstreamOptions,
  numbers: UpstreamNumbers,
  size: { readonly channels: number; readonly maxWaiting: number },
): Pool {
  const { connectTimeoutMs } = numbers;
  const settings: ChannelSettings = {
    target,
    clock,
    connectTimeoutMs,
    credentials: new GuardedCredentials(options.credentials ?? credentials.createInsecure(), {
      clock,
      connectTimeoutMs,
    }),
    options: channelOptionsFrom(numbers, options.idempotentMethods?.map(({ path }) => path) ?? []),
    onConnectTimeout: () => onAnomaly?.({ kind: 'connectTimeout', upstream: name, connectTimeoutMs }),
  };
  const channels = Array.from({ length: size.channels }, () => createChannel(settings));
  const maxTaken = size.channels * numbers.maxInFlight;
  return createPool(
    channels,
    { maxTaken, maxWaiting: size.maxWaiting, maxWaitMs: numbers.maxQueueWaitMs },
    clock,
  );
}

async function closeHost(host: CallHost): Promise<void> {
  const ended = host.active.cancelAll(
    new WeirError('UPSTREAM_UNAVAILABLE', { cause: new Error(`The upstream "${host.name}" is closed.`) }),
  );
  await Promise.all([ended, host.calls.close(), host.streams.close()]);
}
