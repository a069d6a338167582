import { BlockList, isIP } from 'node:net';

/** The addresses of these networks: each an address or a CIDR, of IPv4 or IPv6. */
export function blockListFrom(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return list;
}

/** Whether an address is in a list; one that is none is in no list. */
export function isListed(list: BlockList, address: string | undefined): boolean {
  const version = isIP(address ?? '');
  return version !== 0 && list.check(address ?? '', version === 6 ? 'ipv6' : 'ipv4');
}
