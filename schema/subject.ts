import type { ShopContext } from '../loaders/context.ts';
import { WeirError } from '../src/index.ts';

/** The id of the user who asks; throws `UNAUTHENTICATED` for anybody else. */
export function assertSubject({ principal }: ShopContext): string {
  if (principal.kind === 'user' && principal.subject !== null) return principal.subject;
  throw new WeirError('UNAUTHENTICATED', {
    message: 'Expected a token of a user: send "Authorization: Bearer".',
  });
}
