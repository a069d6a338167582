import { open } from 'node:fs/promises';
import { SocketAddress } from 'node:net';

/** The connections of this machine as Linux tells them, empty text where it does not; of its lines those that are `wanted` at least. */
export type ReadTcpTable = (wanted?: RegExp) => Promise<string>;

/** Lines that may be of a silent peer: connections that are established, and send something again. */
export const sendingLines = /^ *\d+: \S+ \S+ 01 \S+ 01:.*\n/gm;
const allLines = /^.*\n/gm;

const files = ['/proc/net/tcp', '/proc/net/tcp6'];
const chunkBytes = 65_536;

/**
 * One line of `/proc/net/tcp` (proc_net_tcp of the kernel's documentation) of an established connection whose retransmission
 * timer runs: both ends, and how often what was sent last has been sent again.
 */
const linePattern =
  /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]{8,32}):([\dA-F]{4}) 01 \S+ 01:\S+ ([\dA-F]{8}) /gm;

/** Reads the table of Linux. Never rejects. */
export const readTcpTable: ReadTcpTable = async (wanted = allLines) => {
  // Elsewhere, and where there is no IPv6, there is no such file: then nobody is known to be silent.
  const texts = await Promise.all(files.map((file) => linesOf(file, wanted).catch(() => '')));
  return texts.join('');
};

/**
 * The lines of a file that are `wanted`, a pattern of whole lines with the flags `gm`. Read a piece at a time: with thousands
 * of connections the whole is megabytes, of which the process would keep the room. Rejects for a file that is not there.
 */
export async function linesOf(file: string, wanted: RegExp): Promise<string> {
  await using handle = await open(file);
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let [lines, rest] = ['', ''];
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes);
    if (bytesRead === 0) return lines;
    const text = rest + buffer.toString('latin1', 0, bytesRead);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    for (const [line] of text.slice(0, end).matchAll(wanted)) lines += line;
  }
}

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
