import { isIPv4, isIPv6 } from 'node:net';

/** What stands for an address that is absent or not one: all such callers count as one. */
export const unknownNetwork = 'unknown';

/**
 * The network that one anonymous caller commands: an IPv4 address gives its /24, an IPv6 address its /64 (one
 * household or host has a whole /64, RFC 6177), an IPv4-mapped one (RFC 4291 section 2.5.5.2) that of the IPv4
 * address. The IPv6 form is that of RFC 5952 but for its groups: always four. Anything else is {@link unknownNetwork}.
 */
export function networkPrefix(address: string | undefined): string {
  if (address === undefined) return unknownNetwork;
  if (isIPv4(address)) return ipv4Prefix(address);
  if (!isIPv6(address)) return unknownNetwork;
  const groups = ipv6Groups(address);
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (isMapped) return ipv4Prefix(`${high >> 8}.${high & 0xff}.${low >> 8}.0`);
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

function ipv4Prefix(address: string): string {
  return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
}

/** The eight groups of a valid IPv6 address, whatever its zone, short form or dotted end. */
function ipv6Groups(address: string): readonly number[] {
  const [bare = ''] = address.split('%', 1);
  const [head = '', tail] = bare.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
