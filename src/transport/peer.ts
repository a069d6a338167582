import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import { blockListFrom, isListed } from '../networks.ts';

/** Who is at the other end of a request, as far as anybody says so whom we believe. */
export interface Peer {
  /** Of the client itself; undefined where nobody knows it. */
  readonly address: string | undefined;
  /** The host that it asked for, with a port where there is one; '' for none. */
  readonly host: string;
  /** Whether its connection is encrypted. */
  readonly isSecure: boolean;
}

/** Reads a request's {@link Peer}. */
export type PeerReader = (request: IncomingMessage) => Peer;

/** Most addresses of `X-Forwarded-For` that are looked at: no path has more proxies. */
const maxHops = 32;

/**
 * Believes `X-Forwarded-For`, `-Host` and `-Proto` of proxies in these networks, addresses or CIDRs, and of nobody
 * else. Each proxy adds what it saw at the end, so of the addresses the last that is no proxy of ours is the client; what
 * stands before it anybody may have written.
 */
export function createPeerReader(trustedProxies: readonly string[]): PeerReader {
  if (trustedProxies.length === 0) return directPeer;
  const proxies = blockListFrom(trustedProxies);
  return (request) => {
    const { headers, socket } = request;
    const direct = directPeer(request);
    if (!isListed(proxies, socket.remoteAddress)) return direct;
    return {
      address: clientAddress(headers['x-forwarded-for'], socket.remoteAddress, proxies),
      host: lastOf(headers['x-forwarded-host']) ?? direct.host,
      isSecure: lastOf(headers['x-forwarded-proto'])?.toLowerCase() === 'https' || direct.isSecure,
    };
  };
}

function directPeer({ headers, socket }: IncomingMessage): Peer {
  const authority = headers[':authority'];
  return {
    address: socket.remoteAddress,
    // HTTP/2 has the pseudo-header in its place (RFC 9113 section 8.3.1).
    host: (typeof authority === 'string' ? authority : headers.host) ?? '',
    isSecure: 'encrypted' in socket && socket.encrypted === true,
  };
}

function clientAddress(
  forwarded: string | readonly string[] | undefined,
  proxy: string | undefined,
  proxies: BlockList,
): string | undefined {
  const hops = String(forwarded ?? '')
    .split(',')
    .slice(-maxHops)
    .map(addressOf);
  if (forwarded === undefined) return proxy;
  return hops.findLast((hop) => !isListed(proxies, hop)) ?? hops[0];
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function addressOf(hop: string): string {
  const text = hop.trim();
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? [];
  const [, dotted] = /^([\d.]+):\d+$/.exec(text) ?? [];
  return bracketed ?? dotted ?? text;
}

function lastOf(header: string | readonly string[] | undefined): string | undefined {
  const last = String(header ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  return last === '' ? undefined : last;
}
