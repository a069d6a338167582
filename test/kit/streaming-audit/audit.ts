import type { Emitter } from './emitter.ts';

/** How much a rule binds (RFC 2119). */
export type Level = 'MUST' | 'SHOULD' | 'MAY';

/** How events are carried: each is audited by itself, and only where the server has it. */
export const transports = ['sse', 'single', 'ws', 'multipart'] as const;
export type Transport = (typeof transports)[number];

/** The server under audit, and how to make it emit. */
export interface AuditTarget {
  /** Of the graph. */
  readonly url: URL;
  /** Of the single connection mode of event streams. */
  readonly singleUrl: URL;
  /** A subscription document whose events the emitter causes. */
  readonly subscription: string;
  /** Sent with every request and with every handshake. */
  readonly headers: Readonly<Record<string, string>>;
  /** Payload of `connection_init`. */
  readonly init: Readonly<Record<string, unknown>> | undefined;
  readonly emitter: Emitter;
  /** How long anything may take that the server ought to do at once, in milliseconds. */
  readonly timeoutMs: number;
  /** How long the slow audits wait, in milliseconds; 0 leaves them out. */
  readonly patienceMs: number;
}

/** One rule of a protocol, and how to find out whether a server keeps it. */
export interface Audit {
  /** Stable: what pins an audit in a test. */
  readonly id: string;
  readonly level: Level;
  /** Continues the level: `MUST` + `answer …`. */
  readonly name: string;
  /** The section that says so. */
  readonly source: string;
  /** Needs patience: it looks at what happens after seconds of silence. */
  readonly isSlow?: true;
  /** The events of other audits would change what it sees. */
  readonly isAlone?: true;
  /** Resolves when the rule is kept; rejects with an `AuditFailure` or an `AuditSkip`. */
  readonly run: (target: AuditTarget) => Promise<void>;
}
