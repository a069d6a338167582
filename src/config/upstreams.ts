import { systemClock } from '../clock.ts';
import { type UpstreamOptions, upstreamFaults } from '../upstream/options.ts';
import { isOptions, type Options, optionsOf } from './plain-options.ts';

/** Members of an upstream's options that the gateway gives. */
const ownUpstreamOptions = ['name', 'clock', 'onAnomaly'] as const;

/**
 * A gRPC service behind the gateway, as weir.config.ts names it: a `target` and any number of `upstreamLimits`.
 * `WEIR_UPSTREAM_<NAME>` replaces the target.
 */
export type UpstreamConfig = Omit<UpstreamOptions, (typeof ownUpstreamOptions)[number]>;

/** What is wrong with the options of upstreams. */
export function faultsOfUpstreams(upstreams: Options): string[] {
  return Object.entries(upstreams).flatMap(([name, options]) => {
    if (!isOptions(options)) return [];
    const at = `upstreams.${name}`;
    const own = ownUpstreamOptions.filter((option) => Object.hasOwn(options, option));
    if (own.length > 0) return own.map((option) => `${at}.${option}: unknown option; the gateway gives it`);
    const { idempotentMethods = [] } = options;
    if (!isMethodList(idempotentMethods))
      return [`${at}.idempotentMethods: expected an array of method definitions`];
    return upstreamFaults({ ...(options as unknown as UpstreamConfig), name, clock: systemClock }); // as: it takes any options
  });
}

function isMethodList(methods: unknown): boolean {
  return Array.isArray(methods) && methods.every((method) => typeof optionsOf(method)['path'] === 'string');
}
