import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';
import type { DetailsPolicy } from './details.ts';
import { type UpstreamNumbers, upstreamLimits } from './limits.ts';

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
  /** Default: insecure, which production takes on this machine alone. */
  readonly credentials?: ChannelCredentials;
  /** Whether plain text to another machine is meant, in a network that is trusted. Default: false. */
  readonly insecure?: boolean;
  /** Methods that may safely run twice: the only ones retried. Default: none. */
  readonly idempotentMethods?: readonly { readonly path: string }[];
  /** ErrorInfo reasons by which the service says that the *user's* token was refused. See status.ts. */
  readonly userTokenReasons?: readonly string[];
  /** Runs at each connect timeout and each call refused as overloaded: count them, do not log each. Must not throw. */
  readonly onAnomaly?: (anomaly: UpstreamAnomaly) => void;
}

const otherOptions: ReadonlySet<string> = new Set<Exclude<keyof UpstreamOptions, keyof UpstreamNumbers>>([
  'name',
  'target',
  'clock',
  'credentials',
  'insecure',
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
  if (options.insecure !== undefined && typeof options.insecure !== 'boolean')
    fault('insecure', `must be true or false, got ${String(options.insecure)}`);
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
