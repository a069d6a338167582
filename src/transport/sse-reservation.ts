import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Principal } from '../identity/principal.ts';
import { createSeal } from '../seal.ts';

/** Tokens of the streams that may be opened: nothing is kept of them until one is. */
export interface Reservations {
  /** A token for one stream of this principal, good for {@link reservationMs}. */
  readonly issue: (principal: Principal) => string;
  /**
   * The stream that a token is for; undefined for a token that is not ours or not this principal's. `toOpen`: also for one
   * that is too old to open its stream with.
   */
  readonly streamOf: (token: string, principal: Principal, use: 'toOpen' | 'opened') => string | undefined;
}

/** Milliseconds in which a reserved stream must be opened. */
export const reservationMs = 30_000;

const nonceBytes = 16;

/** The token of a request that has it in its head (GraphQL over SSE): who cannot set a header has it in the address. */
export function tokenHeaderOf({ headers }: IncomingMessage): string | undefined {
  const token = headers['x-graphql-event-stream-token'];
  return typeof token === 'string' ? token : undefined;
}

/** Tokens that are sealed for their principal and variant; see {@link createSeal} for the secrets. */
export function createReservations(secrets: readonly string[], clock: Clock, variant: string): Reservations {
  const tokens = createSeal({ purpose: `event stream ${variant}`, secrets });
  return {
    issue: ({ audienceKeys }) => {
      const endMs = Math.floor(clock.wallMs() + reservationMs);
      return tokens.seal(audienceKeys.viewer, `${endMs} ${randomBytes(nonceBytes).toString('base64url')}`);
    },
    streamOf: (token, { audienceKeys }, use) => {
      const opened = tokens.open(audienceKeys.viewer, token);
      if (!opened.ok) return undefined;
      const [endMs, streamId] = opened.text.split(' ');
      return use === 'toOpen' && Number(endMs) <= clock.wallMs() ? undefined : streamId;
    },
  };
}
