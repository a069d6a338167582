interface CloseFact {
  /** Status code of the WebSocket close frame (RFC 6455 section 7.4, GraphQL over WebSocket). */
  readonly code: number;
  /** Reason of the close frame: at most 123 bytes (RFC 6455 section 5.5). */
  readonly reason: string;
  /**
   * Whether graphql-ws 6 connects again by itself after this code. What it does not retry is fatal to the client's
   * application until that acts.
   */
  readonly retried: boolean;
  readonly source: string;
}

const protocol = 'graphql-transport-ws';

/**
 * Why we close a WebSocket, and what an unmodified graphql-ws client does then. The protocol has no code for slow,
 * draining, expired or over its budget: each takes one that says nothing wrong and that clients treat as it is meant.
 * 1000 is never sent, as clients of older versions stop for good on it; nor is 1011, which newer ones never retry.
 */
export const closeTable = {
  MALFORMED: { code: 4400, reason: 'Bad request', retried: false, source: protocol },
  /** Also for credentials that are no good: they are refused until somebody changes them. */
  UNAUTHORIZED: { code: 4401, reason: 'Unauthorized', retried: false, source: protocol },
  /** Every token that its principal has so far: who signs in again gets a good one, and nobody else comes back. */
  REVOKED: { code: 4401, reason: 'Token revoked', retried: false, source: `${protocol}, Unauthorized` },
  /** 4403 is the one code of the protocol about credentials that clients retry, with connectionParams made anew. */
  EXPIRED: { code: 4403, reason: 'Token expired', retried: true, source: `${protocol}, Forbidden` },
  /** The same, for a refreshed token that gives other rights than the subscriptions were admitted with. */
  RIGHTS_CHANGED: { code: 4403, reason: 'Rights changed', retried: true, source: `${protocol}, Forbidden` },
  SUBPROTOCOL: { code: 4406, reason: 'Subprotocol not acceptable', retried: false, source: protocol },
  INIT_TIMEOUT: {
    code: 4408,
    reason: 'Connection initialisation timeout',
    retried: true,
    source: protocol,
  },
  DUPLICATE_ID: { code: 4409, reason: 'Subscriber already exists', retried: false, source: protocol },
  SECOND_INIT: {
    code: 4429,
    reason: 'Too many initialisation requests',
    retried: false,
    source: protocol,
  },
  /** Fatal on purpose: who would come back at once with as many again must not. */
  TOO_MANY: { code: 4429, reason: 'Too many operations or messages', retried: false, source: protocol },
  TOO_LARGE: { code: 1009, reason: 'Message too big', retried: false, source: 'RFC 6455 section 7.4.1' },
  /** Of one principal; later there may be room. */
  OVERLOADED: { code: 1013, reason: 'Try again later', retried: true, source: 'IANA WebSocket registry' },
  SLOW: { code: 1013, reason: 'Reads too slowly', retried: true, source: 'IANA WebSocket registry' },
  ROTATED: { code: 1012, reason: 'Connect again', retried: true, source: 'IANA WebSocket registry' },
  DRAIN: { code: 1012, reason: 'Service restart', retried: true, source: 'IANA WebSocket registry' },
} as const satisfies Readonly<Record<string, CloseFact>>;

/** One reason of {@link closeTable}. */
export type CloseReason = keyof typeof closeTable;
