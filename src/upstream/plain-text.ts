import { isIP } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';
import { blockListFrom, isListed } from '../networks.ts';
import type { UpstreamOptions } from './options.ts';

const loopback = ['127.0.0.0/8', '::1'] as const;

/**
 * What is wrong with an upstream in production, naming the option; undefined when nothing is. Plain text may leave this
 * machine only where `insecure` says so: whoever is on the way reads and forwards what callers send. A path of a socket,
 * `localhost`, 127.0.0.0/8 and ::1 are this machine; of several addresses each one has to be.
 */
export function plainTextFault({
  name,
  target,
  credentials,
  insecure,
}: Pick<UpstreamOptions, 'name' | 'target' | 'credentials' | 'insecure'>): string | undefined {
  const isSecure = credentials instanceof ChannelCredentials && credentials._isSecure();
  if (isSecure || insecure === true || isOnLoopback(target)) return undefined;
  return `upstreams.${name}.credentials: expected secure ones in production for ${target}, which is not this machine, got insecure ones; upstreams.${name}.insecure: true says that the network on the way is trusted`;
}

/** The grammar of grpc-js targets: `scheme:addresses`, `scheme://authority/addresses` or an address alone. */
function isOnLoopback(target: string): boolean {
  const [, scheme = 'dns', rest = ''] =
    /^(?:(dns|ipv4|ipv6|unix):(?:\/\/[^/]*\/)?)?(.*)$/s.exec(target) ?? [];
  return scheme === 'unix' || rest.split(',').every((address) => isLoopbackHost(hostOf(address)));
}

/** Without port and brackets. */
function hostOf(address: string): string {
  if (isIP(address) !== 0) return address;
  return address.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/s, '$1');
}

function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === 'localhost' || isListed(blockListFrom(loopback), host);
}
