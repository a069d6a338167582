import { randomFillSync } from 'node:crypto';

/** The place of one operation in a distributed trace (W3C Trace Context level 1, section 3.2). */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The caller's span, 16 hexadecimal digits; undefined when the trace begins here. */
  readonly parentId: string | undefined;
  /** This operation's span, 16 hexadecimal digits: the parent of its calls. */
  readonly spanId: string;
  /** The one flag of version 00: bit 0, sampled. */
  readonly flags: 0 | 1;
  /** The header for the next hop, in version 00. */
  readonly traceparent: string;
}

/** Random bytes in lower-case hexadecimal. */
export type RandomHex = (bytes: number) => string;

/** Version, trace id, parent id, flags; later versions may say more behind another hyphen (section 3.2.4). */
const traceparentPattern =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** No version has said more than this; a longer header is not looked at. */
const maxHeaderLength = 512;
const sampledFlag = 1;

/**
 * Continues the trace of the header `traceparent`, or begins one when there is none or it is not valid (version ff, an
 * id of zeros, upper case, two headers joined). A trace that begins here is not sampled, as section 3.2.2.5.1 has it
 * for who takes no decision. Unknown flags are not passed on, as section 3.2.2.5 demands.
 */
export function traceFrom(header: string | undefined, randomHex: RandomHex): Trace {
  const spanId = randomHex(8);
  const parent = parseTraceparent(header);
  const traceId = parent?.traceId ?? randomHex(16);
  const flags = parent?.flags ?? 0;
  const traceparent = `00-${traceId}-${spanId}-0${flags}`;
  return { traceId, parentId: parent?.parentId, spanId, flags, traceparent };
}

function parseTraceparent(
  header: string | undefined,
): Pick<Trace, 'traceId' | 'parentId' | 'flags'> | undefined {
  if (header === undefined || header.length > maxHeaderLength) return undefined;
  const [, version, traceId, parentId, flags, more] = traceparentPattern.exec(header) ?? [];
  if (traceId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) & sampledFlag ? 1 : 0 };
}

/** Random bytes of the system, fetched 4 KiB at a time: one call of the system per id costs 30 times as much. */
export function createRandomHex(): RandomHex {
  const pool = Buffer.alloc(4096);
  let used = pool.length;
  return (bytes) => {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString('hex', used - bytes, used);
  };
}
