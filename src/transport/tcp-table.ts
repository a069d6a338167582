import { readFile } from 'node:fs/promises';
import { SocketAddress } from 'node:net';

/** The connections of this machine as Linux tells them; empty text where it does not. */
export type ReadTcpTable = () => Promise<string>;

const files = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * One line of `/proc/net/tcp` (proc_net_tcp of the kernel's documentation) of an established connection whose retransmission
 * timer runs: both ends, and how often what was sent last has been sent again.
 */
const linePattern =
  /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]{8,32}):([\dA-F]{4}) 01 \S+ 01:\S+ ([\dA-F]{8}) /gm;

/** Reads the table of Linux. Never rejects. */
export const readTcpTable: ReadTcpTable = async () => {
  // Elsewhere, and where there is no IPv6, there is no such file: then nobody is known to be silent.
  const texts = await Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => '')));
  return texts.join('');
};

/** The ends of a connection as {@link silentPeers} names them; its own address does not matter. */
export function peerName({ localPort, remoteAddress, remotePort }: Ends): string {
  return `${localPort} ${remoteAddress} ${remotePort}`;
}

/** What a socket of Node tells of itself. */
export interface Ends {
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Connections whose peer has acknowledged nothing since something was sent to it again; by {@link peerName}. */
export function silentPeers(table: string): string[] {
  const peers: string[] = [];
  for (const [, localPort = '', remoteAddress = '', remotePort = '', sentAgain = ''] of table.matchAll(
    linePattern,
  )) {
    if (Number.parseInt(sentAgain, 16) === 0) continue;
    const ends = { localPort: Number.parseInt(localPort, 16), remotePort: Number.parseInt(remotePort, 16) };
    peers.push(peerName({ ...ends, remoteAddress: addressFrom(remoteAddress) }));
  }
  return peers;
}

/** The kernel writes words of four bytes in its own order, of which only the little-endian one is in use. */
function addressFrom(hex: string): string {
  const bytes = Buffer.from(hex, 'hex').swap32();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.toString('hex', index * 2, index * 2 + 2));
  // Shortens it as sockets do.
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
