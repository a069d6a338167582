import { hash } from 'node:crypto';
import { type DocumentNode, type ExecutionArgs, getOperationAST, Kind, print, visit } from 'graphql';
import type { Clock } from '../clock.ts';
import { createHmacSha256 } from '../hmac.ts';
import type { Traffic } from '../observe/traffic.ts';
import type { Charge } from './charge.ts';
import type { OperationContext } from './context.ts';

/** Records an operation that has ended: what was asked, what it cost, and how long its lists were. */
export type RecordTraffic = (args: ExecutionArgs, context: OperationContext, charge: Charge) => void;

/** What a record of traffic is made with. */
export interface RecordTrafficParts {
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly variant: string;
  /** Makes one name for each caller, which nobody without it can turn back. */
  readonly secret: string;
}

/** Documents whose text has been written by this process; past them texts are written again, which is harmless. */
const maxKnownDocuments = 10_000;
/** Of the name of a caller. */
const callerBytes = 8;
const nothing = new Uint8Array();

/** Records to `traffic`: each document once, without its strings. */
export function createTrafficRecorder({
  traffic,
  clock,
  variant,
  secret,
}: RecordTrafficParts): RecordTraffic {
  const sign = createHmacSha256(Buffer.from(secret));
  const hashes = new WeakMap<DocumentNode, string>();
  const written = new Set<string>();

  const hashOf = (document: DocumentNode): string => {
    const known = hashes.get(document);
    if (known !== undefined) return known;
    const text = withoutStrings(document);
    const made = hash('sha256', text);
    hashes.set(document, made);
    if (!written.has(made)) traffic.write({ kind: 'document', hash: made, text });
    if (written.size < maxKnownDocuments) written.add(made);
    return made;
  };

  return ({ document, operationName }, { principal, timeline, startMs }, charge) => {
    const { estimatePoints, actualPoints = 0, refused = null } = charge.recorded();
    traffic.write({
      kind: 'operation',
      atMs: clock.wallMs(),
      document: hashOf(document),
      operationName: operationName ?? null,
      type: getOperationAST(document, operationName)?.operation ?? 'unknown',
      variant,
      caller: sign(principal.audienceKeys.viewer, nothing).toString('hex', 0, callerBytes),
      callerKind: principal.kind,
      estimatePoints,
      actualPoints,
      upstreamCalls: timeline.calls.length + timeline.droppedCalls,
      durationMs: Math.round((clock.nowMs() - startMs) * 1000) / 1000,
      refused,
      counts: Object.fromEntries(charge.tally.entries()),
    });
  };
}

/** What a client wrote into a document may be about somebody. */
function withoutStrings(document: DocumentNode): string {
  return print(visit(document, { [Kind.STRING]: (node) => ({ ...node, value: '' }) }));
}
