import { systemClock } from '../clock.ts';
import type { Settings } from '../config/config.ts';
import type { IdentityConfig } from '../config/identity.ts';
import { WeirError } from '../errors.ts';
import { StartError } from '../gateway.ts';
import { createDevelopmentKeys, signDevelopmentToken } from '../identity/development-keys.ts';
import { createTokenVerifier } from '../identity/token.ts';
import { withTokenDefaults } from '../identity/token-options.ts';

/** What a token for development says, as `weir token` is given it. */
export interface TokenWords {
  readonly sub?: string | undefined;
  /** Separated by spaces. */
  readonly scope?: string | undefined;
  readonly tenant?: string | undefined;
  /** A number with its unit: s, m or h. */
  readonly ttl: string;
}

/**
 * A token that the development key signs, for who would rather not run an issuer. Throws {@link StartError} where other
 * keys are configured, and for a token that the gateway would refuse.
 */
export function developmentToken({ identity }: Settings, words: TokenWords): Promise<string> {
  if (identity?.keys.kind === 'development') return tokenFor(identity, words);
  throw new StartError([
    'token: expected identity.keys of the kind "development", which is not for production',
  ]);
}

async function tokenFor(identity: IdentityConfig, { sub, scope, tenant, ttl }: TokenWords): Promise<string> {
  if (!sub) throw new StartError(['token: expected --sub with the id of a user, such as --sub user-1']);
  const { issuer, audience, type, tenantClaim, maxLifetimeMs } = withTokenDefaults(identity);
  const token = await signDevelopmentToken(
    {
      sub,
      issuer,
      audience: [audience].flat()[0] ?? '',
      type,
      ttlSeconds: secondsFrom(ttl, maxLifetimeMs / 1000),
      ...(scope && { scope }),
      ...(tenant && { claims: { [tenantClaim]: tenant } }),
    },
    systemClock,
  );
  const keys = createDevelopmentKeys();
  try {
    await createTokenVerifier(identity, { clock: systemClock, keys }).verify(token);
  } catch (thrown) {
    const { message } = WeirError.from(thrown);
    throw new StartError([`token: the gateway would refuse this one: ${message}`], { cause: thrown });
  } finally {
    keys.close();
  }
  return token;
}

const secondsByUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function secondsFrom(ttl: string, maxSeconds: number): number {
  const [, count, unit = ''] = /^(\d{1,5})([smh])$/.exec(ttl) ?? [];
  const seconds = Number(count) * (secondsByUnit[unit] ?? 0);
  if (seconds >= 1 && seconds <= maxSeconds) return seconds;
  throw new StartError([
    `token: expected --ttl from 1s to ${maxSeconds}s (identity.maxLifetimeMs), such as 30s, 15m or 1h, got "${ttl}"`,
  ]);
}
