interface Limit {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** True where a fraction has no meaning. */
  readonly whole: boolean;
}

const whole = (value: number, min: number, max: number): Limit => ({ default: value, min, max, whole: true });
const ratio = (value: number, min: number, max: number): Limit => ({
  default: value,
  min,
  max,
  whole: false,
});

/**
 * Every number that shapes an upstream: default and bounds. The unit ends the name. What grpc-js misreads or ignores
 * (`timeout`, `waitForReady`, `maxRequestBytes`, `maxResponseBytes` of a method config) has no place here on purpose.
 */
export const upstreamLimits = {
  /** HTTP/2 connections for calls with a deadline. */
  channels: whole(2, 1, 16),
  /** HTTP/2 connections for streams without a deadline; apart, so that subscriptions never starve calls. */
  streamChannels: whole(2, 1, 64),
  /** Calls at one time on one connection. Not above the server's own stream limit: past that, Node queues in silence. */
  maxInFlight: whole(100, 1, 10_000),
  /** Calls that may wait for a free place, and how long, before they are refused as OVERLOADED. */
  maxQueue: whole(100, 0, 10_000),
  maxQueueWaitMs: whole(20, 1, 10_000),
  /** How long a connection may take before its calls fail. grpc-js itself has no such limit (grpc-node issue 2785). */
  connectTimeoutMs: whole(5_000, 10, 60_000),
  /** Kept back from the operation's deadline, so that there is time to answer. */
  deadlineMarginMs: whole(50, 0, 10_000),
  /** What a call gets at least while the operation has any time left (never more than what is left). */
  minTimeoutMs: whole(10, 1, 10_000),
  keepaliveTimeMs: whole(30_000, 1_000, 3_600_000),
  keepaliveTimeoutMs: whole(5_000, 100, 60_000),
  maxSendBytes: whole(4 * 1024 * 1024, 1_024, 256 * 1024 * 1024),
  maxReceiveBytes: whole(4 * 1024 * 1024, 1_024, 256 * 1024 * 1024),
  reconnectInitialMs: whole(100, 100, 60_000),
  reconnectMaxMs: whole(5_000, 100, 120_000),
  /** Attempts in all, of idempotent methods only, on UNAVAILABLE only. 1 is no retry; grpc-js caps at 5 in silence. */
  retryAttempts: whole(3, 1, 5),
  retryInitialMs: whole(50, 1, 60_000),
  retryMaxMs: whole(1_000, 1, 60_000),
  retryFactor: ratio(2, 1, 10),
  /** Retry budget of gRFC A6: a failure takes a token, a success gives the ratio back, half a bucket stops retries. */
  retryTokens: whole(10, 1, 1_000),
  retryTokenRatio: ratio(0.1, 0.001, 1),
  /** Outlier detection of gRFC A50, by share of failed calls. */
  ejectionIntervalMs: whole(5_000, 100, 600_000),
  ejectionBaseMs: whole(15_000, 100, 600_000),
  ejectionMaxMs: whole(300_000, 100, 3_600_000),
  ejectionMaxPercent: whole(50, 0, 100),
  ejectionFailurePercent: whole(50, 1, 100),
  ejectionMinHosts: whole(3, 1, 1_000),
  ejectionMinCalls: whole(20, 1, 100_000),
} as const satisfies Readonly<Record<string, Limit>>;

/** The numbers of one upstream, complete. */
export type UpstreamNumbers = { readonly [Name in keyof typeof upstreamLimits]: number };
