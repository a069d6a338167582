import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';
import type { DetailsPolicy } from './details.ts';

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

/** Something an operator should hear of; the upstream goes on. */
export type UpstreamAnomaly =
  | { readonly kind: 'connectTimeout'; readonly upstream: string; readonly connectTimeoutMs: number }
  | { readonly kind: 'overloaded'; readonly upstream: string; readonly pool: 'calls' | 'streams' };

/** What {@link createUpstream} takes; every number is optional, with default and bounds in {@link upstreamLimits}. */
export interface UpstreamOptions extends Partial<UpstreamNumbers>, Partial<DetailsPolicy> {
  /** The word for it in records, logs and errors' private part. */
  readonly name: string;
  /** Any grpc-js target, such as `127.0.0.1:50051` or `dns:///host:443`. */
  readonly target: string;
  readonly clock: Clock;
  /** Default: insecure. */
  readonly credentials?: ChannelCredentials;
  /** Methods that may safely run twice: the only ones retried. Default: none. */
  readonly idempotentMethods?: readonly { readonly path: string }[];
  /** ErrorInfo reasons by which the service says that the *user's* token was refused. See status.ts. */
  readonly userTokenReasons?: readonly string[];
  readonly onAnomaly?: (anomaly: UpstreamAnomaly) => void;
}

const otherOptions: ReadonlySet<string> = new Set<Exclude<keyof UpstreamOptions, keyof UpstreamNumbers>>([
  'name',
  'target',
  'clock',
  'credentials',
  'idempotentMethods',
  'userTokenReasons',
  'onAnomaly',
  'errorMetadataKeys',
  'helpHosts',
  'resourceNames',
]);

/** Settings that look as if grpc-js knew them, with what to do instead. */
const misleadingOptions: Readonly<Record<string, string>> = {
  timeout: 'grpc-js misreads fractional seconds (gives nanoseconds); every call has its own deadlineMs',
  waitForReady: 'grpc-js ignores it in a method config; a call fails at connectTimeoutMs instead of waiting',
  maxRequestBytes: 'grpc-js ignores it; use maxSendBytes',
  maxResponseBytes: 'grpc-js ignores it; use maxReceiveBytes',
  signal: 'grpc-js ignores it; every call takes its own signal',
  serviceConfig: 'it is built from these options; see upstreamLimits',
  channelOptions: 'grpc-js takes unknown ones in silence; see upstreamLimits',
};

/** One line per fault of `options`, each naming the option, what was expected and what came; empty when all is well. */
export function upstreamFaults(options: UpstreamOptions): readonly string[] {
  const faults: string[] = [];
  const fault = (option: string, text: string) => {
    faults.push(`upstream "${options.name}": ${option} ${text}`);
  };
  for (const option of ['name', 'target'] as const) {
    if (typeof options[option] !== 'string' || options[option] === '')
      fault(option, 'must be a non-empty string');
  }
  for (const [option, value] of Object.entries(options)) {
    const misleading = Object.hasOwn(misleadingOptions, option) ? misleadingOptions[option] : undefined;
    if (misleading !== undefined) fault(option, `is not an option: ${misleading}`);
    else if (isNumberOption(option)) faultOfNumber(option, value, fault);
    else if (!otherOptions.has(option)) fault(option, 'is not an option');
  }
  for (const { path } of options.idempotentMethods ?? []) {
    if (!methodPathPattern.test(path))
      fault('idempotentMethods', `must hold paths like /package.Service/Method, got ${path}`);
  }
  faultsOfPairs(options, fault);
  return faults;
}

/** The numbers of `options` with defaults filled in. */
export function upstreamNumbers(options: UpstreamOptions): UpstreamNumbers {
  const numbers = Object.entries(upstreamLimits).map(([option, limit]) => [
    option,
    options[option as keyof UpstreamNumbers] ?? limit.default, // a key of the table
  ]);
  return Object.fromEntries(numbers) as UpstreamNumbers; // exactly the table's keys
}

const methodPathPattern = /^\/[\w.]+\/\w+$/;

function isNumberOption(option: string): option is keyof UpstreamNumbers {
  return Object.hasOwn(upstreamLimits, option);
}

function faultOfNumber(
  option: keyof UpstreamNumbers,
  value: unknown,
  fault: (option: string, text: string) => void,
): void {
  if (value === undefined) return;
  const { min, max, whole: isWhole } = upstreamLimits[option];
  const fits = typeof value === 'number' && value >= min && value <= max;
  if (fits && (!isWhole || Number.isInteger(value))) return;
  fault(
    option,
    `must be ${isWhole ? 'a whole number' : 'a number'} from ${min} to ${max}, got ${String(value)}`,
  );
}

const orderedPairs = [
  ['reconnectInitialMs', 'reconnectMaxMs'],
  ['retryInitialMs', 'retryMaxMs'],
  ['ejectionBaseMs', 'ejectionMaxMs'],
] as const satisfies readonly (readonly [keyof UpstreamNumbers, keyof UpstreamNumbers])[];

function faultsOfPairs(options: UpstreamOptions, fault: (option: string, text: string) => void): void {
  const numbers = upstreamNumbers(options);
  for (const [low, high] of orderedPairs) {
    if (numbers[low] > numbers[high])
      fault(low, `(${numbers[low]}) must not be above ${high} (${numbers[high]})`);
  }
}
