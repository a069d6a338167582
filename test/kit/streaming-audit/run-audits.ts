import { connect } from 'node:net';
import { type Audit, type AuditTarget, type Level, type Transport, transports } from './audit.ts';
import { crowdAudits } from './crowd-audits.ts';
import { openExchange, type StreamedAnswer } from './http-exchange.ts';
import { multipartAccepts, multipartAudits } from './multipart-audits.ts';
import { singleAudits } from './single-audits.ts';
import { sseAudits } from './sse-audits.ts';
import { eventStreamType, openOperation } from './sse-client.ts';
import { AuditFailure, AuditSkip } from './verdict.ts';
import { wsAudits } from './ws-audits.ts';
import { shakeHands } from './ws-client.ts';
import { wsFrameAudits } from './ws-frame-audits.ts';

/** What came of one audit. */
export interface AuditResult {
  readonly transport: Transport;
  readonly id: string;
  readonly level: Level;
  readonly name: string;
  readonly source: string;
  /** Absent: the server does not have the transport. */
  readonly status: 'ok' | 'failed' | 'skipped' | 'absent';
  /** Why it was not looked at. */
  readonly reason?: string;
  readonly expected?: string;
  readonly came?: string;
}

/** Which transports are audited, and what of a server that has one not. */
export interface RunOptions {
  /** Those that the server has to have. Default: those that it has. */
  readonly required?: readonly Transport[];
  /** Of these audits alone. */
  readonly ids?: readonly AuditId[];
}

/** All audits. */
export const audits = {
  sse: [...sseAudits, ...crowdAudits.sse],
  single: [...singleAudits, ...crowdAudits.single],
  ws: [...wsAudits, ...wsFrameAudits, ...crowdAudits.ws],
  multipart: [...multipartAudits, ...crowdAudits.multipart],
} as const satisfies Readonly<Record<Transport, readonly Audit[]>>;

/** Pins an audit. */
export type AuditId = (typeof audits)[Transport][number]['id'];

/** Audits at a time: a server is to be audited, not tested for load. */
const atOnce = 4;

/** When an audit has its turn: with others, by itself, or with those that are silent for as long. */
const turns = [
  { width: atOnce, has: ({ isSlow, isAlone }: Audit) => !isSlow && !isAlone },
  { width: 1, has: ({ isAlone }: Audit) => isAlone === true },
  { width: 100, has: ({ isSlow }: Audit) => isSlow === true },
] as const;

/** Runs the audits of every transport that the server has, and of every one that is required. */
export async function runAudits(
  target: AuditTarget,
  { required, ids }: RunOptions = {},
): Promise<readonly AuditResult[]> {
  const chosen: Chosen[] = [];
  for (const transport of required ?? transports) {
    const own = audits[transport].filter(({ id }) => ids === undefined || ids.includes(id));
    if (own.length === 0) continue;
    const absence = required ? undefined : await absenceOf(transport, target);
    for (const audit of own) chosen.push({ transport, audit, absence });
  }
  const results = new Map<Audit, AuditResult>();
  let isGone = false;
  const judge = async (one: Chosen) => {
    const result = isGone ? skippedFor(one, 'the server is gone') : await judgeOf(target, one);
    results.set(one.audit, result);
    // One that has crashed breaks the rule that was looked at, and none of those that come after.
    if (result.status === 'failed' && !isGone) isGone = !(await isThere(target.url));
  };
  for (const { width, has } of turns)
    await inTurn(
      chosen.filter(({ audit }) => has(audit)),
      width,
      judge,
    );
  return chosen.flatMap(({ audit }) => results.get(audit) ?? []);
}

/** Whether a server with these results keeps to the rules: it has a transport, and breaks no MUST. */
export function isCompliant(results: readonly AuditResult[]): boolean {
  const isBroken = results.some(({ level, status }) => level === 'MUST' && status === 'failed');
  return !isBroken && results.some(({ status }) => status === 'ok');
}

interface Chosen {
  readonly transport: Transport;
  readonly audit: Audit;
  /** Why the transport is not audited. */
  readonly absence: string | undefined;
}

async function judgeOf(target: AuditTarget, { transport, audit, absence }: Chosen): Promise<AuditResult> {
  const head = namesOf({ transport, audit });
  if (absence !== undefined) return { ...head, status: 'absent', reason: absence };
  if (audit.isSlow && target.patienceMs === 0) return skippedFor({ transport, audit }, 'needs patience');
  try {
    await audit.run(target);
    return { ...head, status: 'ok' };
  } catch (thrown) {
    if (thrown instanceof AuditSkip) return skippedFor({ transport, audit }, thrown.message);
    if (!(thrown instanceof AuditFailure)) throw thrown;
    return { ...head, status: 'failed', expected: thrown.expected, came: thrown.came };
  }
}

type Named = Pick<Chosen, 'transport' | 'audit'>;

function namesOf({ transport, audit: { id, level, name, source } }: Named) {
  return { transport, id, level, name, source };
}

function skippedFor(named: Named, reason: string): AuditResult {
  return { ...namesOf(named), status: 'skipped', reason };
}

/** Whether anybody takes connections there. */
export function isThere({ hostname, port, protocol }: URL): Promise<boolean> {
  const standard = protocol === 'https:' ? 443 : 80;
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || standard });
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

/** What a server says that does not have a transport: it refuses, or answers as if nothing had been asked for. */
async function absenceOf(transport: Transport, target: AuditTarget): Promise<string | undefined> {
  try {
    const { status, mediaType } = await firstAnswers[transport](target);
    const isAbsent = status >= 400 || mediaType.endsWith('json') || (transport === 'ws' && status !== 101);
    return isAbsent ? `the server answers ${status} ${mediaType}`.trimEnd() : undefined;
  } catch (thrown) {
    // Its first audit says what is wrong.
    if (thrown instanceof AuditFailure) return undefined;
    throw thrown;
  }
}

type Head = Pick<StreamedAnswer, 'status' | 'mediaType'>;

const firstAnswers = {
  sse: (target) => headOnly(openOperation(target, target.subscription, eventStreamType)),
  multipart: (target) => headOnly(openOperation(target, target.subscription, multipartAccepts.plain)),
  single: (target) => headOnly(openExchange(target.singleUrl, { ...target, method: 'PUT' })),
  ws: async (target) => {
    const opened = await shakeHands(target);
    if ('refusal' in opened) return { status: opened.refusal, mediaType: '' };
    await opened[Symbol.asyncDispose]();
    return { status: 101, mediaType: '' };
  },
} as const satisfies Readonly<Record<Transport, (target: AuditTarget) => Promise<Head>>>;

async function headOnly(opening: Promise<StreamedAnswer>): Promise<Head> {
  await using answer = await opening;
  return { status: answer.status, mediaType: answer.mediaType };
}

/** Does the work of all, so many at a time. */
async function inTurn<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
