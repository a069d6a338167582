import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';

/** What a client that speaks HTTP/2 begins with (RFC 9113 section 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Waits until the first bytes of a connection tell whether it begins with HTTP/2's preface, gives them back to `socket` and
 * calls `decided` once. A client that says too little within `timeoutMs`, or leaves, is cut off undecided. Of HTTP/1.1
 * one byte or two tell.
 */
export function awaitPreface(
  socket: Socket,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
  decided: (isHttp2: boolean) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const cutOff = () => socket.destroy();
  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return; // also said at the end
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const isAlike = preface.compare(seen, 0, length, 0, length) === 0;
    if (isAlike && length < preface.length) return;
    release();
    socket.unshift(seen);
    decided(isAlike);
  };
  const cancelTimer = clock.after(timeoutMs, cutOff);
  const release = () => {
    cancelTimer();
    socket.off('readable', onReadable).off('end', cutOff).off('error', cutOff).off('close', cancelTimer);
  };
  socket.on('readable', onReadable).on('end', cutOff).on('error', cutOff).on('close', cancelTimer);
}
