import type { ChannelOptions } from '@grpc/grpc-js';
import type { UpstreamNumbers } from './limits.ts';

/**
 * The grpc-js channel options of one connection: a private connection (not shared with equal channels of the process),
 * limits, keepalive and back-off as in `numbers`, and nothing taken from DNS TXT, proxies of the environment or channelz.
 */
export function channelOptionsFrom(
  numbers: UpstreamNumbers,
  idempotentPaths: readonly string[],
): ChannelOptions {
  return {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.keepalive_time_ms': numbers.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': numbers.keepaliveTimeoutMs,
    'grpc.max_send_message_length': numbers.maxSendBytes,
    'grpc.max_receive_message_length': numbers.maxReceiveBytes,
    'grpc.initial_reconnect_backoff_ms': numbers.reconnectInitialMs,
    'grpc.max_reconnect_backoff_ms': numbers.reconnectMaxMs,
    'grpc.service_config': JSON.stringify(serviceConfigFrom(numbers, idempotentPaths)),
    // Whoever answers DNS could change our policy otherwise (gRFC A2).
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  };
}

/**
 * The gRPC service config (gRFC A2): round robin inside outlier detection (A50), retries of idempotent methods (A6).
 * Durations of the balancer are objects because grpc-js takes nothing else there; those of retries are strings in
 * seconds, the one place where it reads fractions rightly.
 */
export function serviceConfigFrom(numbers: UpstreamNumbers, idempotentPaths: readonly string[]): object {
  return {
    loadBalancingConfig: [{ outlier_detection: outlierDetectionFrom(numbers) }],
    methodConfig: retryConfigFrom(numbers, idempotentPaths),
    retryThrottling: { maxTokens: numbers.retryTokens, tokenRatio: numbers.retryTokenRatio },
  };
}

function outlierDetectionFrom(numbers: UpstreamNumbers): object {
  return {
    interval: durationFromMs(numbers.ejectionIntervalMs),
    base_ejection_time: durationFromMs(numbers.ejectionBaseMs),
    max_ejection_time: durationFromMs(numbers.ejectionMaxMs),
    max_ejection_percent: numbers.ejectionMaxPercent,
    failure_percentage_ejection: {
      threshold: numbers.ejectionFailurePercent,
      enforcement_percentage: 100,
      minimum_hosts: numbers.ejectionMinHosts,
      request_volume: numbers.ejectionMinCalls,
    },
    child_policy: [{ round_robin: {} }],
  };
}

function retryConfigFrom(numbers: UpstreamNumbers, idempotentPaths: readonly string[]): readonly object[] {
  if (idempotentPaths.length === 0 || numbers.retryAttempts === 1) return [];
  const name = [...new Set(idempotentPaths)].map((path) => {
    const [, service, method] = path.split('/');
    return { service, method };
  });
  const retryPolicy = {
    maxAttempts: numbers.retryAttempts,
    initialBackoff: `${numbers.retryInitialMs / 1_000}s`,
    maxBackoff: `${numbers.retryMaxMs / 1_000}s`,
    backoffMultiplier: numbers.retryFactor,
    retryableStatusCodes: ['UNAVAILABLE'],
  };
  return [{ name, retryPolicy }];
}

function durationFromMs(durationMs: number): { readonly seconds: number; readonly nanos: number } {
  return { seconds: Math.floor(durationMs / 1_000), nanos: (durationMs % 1_000) * 1_000_000 };
}
