import { Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anonymousPrincipal,
  metadataFromPrincipal,
  type VerifiedIdentity,
  verifiedPrincipal,
} from '../../src/identity/principal.ts';
import { identityFromClaims, maxNameLength, maxScopes } from '../../src/identity/token-claims.ts';
import { metadataFrom } from '../../src/upstream/metadata.ts';

const identity: VerifiedIdentity = {
  subject: 'user-1',
  tenant: 'north',
  client: 'web',
  scopes: new Set(['things:write', 'things:read']),
  issuedAtMs: 500,
  expiresAtMs: 1_000,
};

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
const identities = fc.record({
  subject: name,
  tenant: fc.option(name),
  client: fc.option(name),
  scopes: fc.uniqueArray(fc.constantFrom('a:x', 'b:x', 'c:x')).map((list) => new Set(list)),
  issuedAtMs: fc.nat(),
  expiresAtMs: fc.nat(),
});

describe('verifiedPrincipal()', () => {
  it('is a client when the subject is the client itself, and else a user', () => {
    expect(verifiedPrincipal({ ...identity, subject: 'web' }).kind).toBe('client');
    expect(verifiedPrincipal(identity).kind).toBe('user');
    expect(verifiedPrincipal({ ...identity, client: null }).kind).toBe('user');
  });

  it('gives equal viewer keys when, and only when, all that decides an answer is equal', () => {
    const facts = ({ subject, tenant, client, scopes }: VerifiedIdentity) =>
      JSON.stringify({ subject, tenant, client, scopes: [...scopes].sort() });
    fc.assert(
      fc.property(identities, identities, (one, other) => {
        const isSame = facts(one) === facts(other);
        const keys = [one, other].map((each) => verifiedPrincipal(each).audienceKeys.viewer);
        expect(keys[0] === keys[1]).toBe(isSame);
      }),
    );
  });

  it('has another viewer key when any one fact is another', () => {
    const others = [
      { subject: 'user-2' },
      { tenant: 'south' },
      { tenant: null },
      { client: 'app' },
      { client: null },
      { scopes: new Set(['things:read']) },
      { scopes: new Set<string>() },
    ];
    const keys = [{}, ...others].map(
      (change) => verifiedPrincipal({ ...identity, ...change }).audienceKeys.viewer,
    );
    expect(new Set(keys).size).toBe(others.length + 1);
  });

  it('cannot be given the viewer key of another by names that hold quotes, commas and brackets', () => {
    const one = { ...identity, tenant: 'a', client: 'b,c' };
    const other = { ...identity, tenant: 'a,b', client: 'c' };
    const quoted = { ...identity, tenant: 'a","b', client: 'c' };
    const keys = [one, other, quoted].map((each) => verifiedPrincipal(each).audienceKeys.viewer);
    expect(new Set(keys).size).toBe(3);
  });

  it('gives one tenant key to all of a tenant with equal scopes, whatever their order', () => {
    const other = { ...identity, subject: 'user-2', scopes: new Set(['things:read', 'things:write']) };
    const key = verifiedPrincipal(identity).audienceKeys.tenant;
    expect(verifiedPrincipal(other).audienceKeys.tenant).toBe(key);
    expect(verifiedPrincipal({ ...other, scopes: new Set() }).audienceKeys.tenant).not.toBe(key);
    expect(verifiedPrincipal({ ...other, tenant: 'south' }).audienceKeys.tenant).not.toBe(key);
  });

  it('shares nothing but the public key when there is no tenant', () => {
    const alone = verifiedPrincipal({ ...identity, tenant: null });
    expect(alone.audienceKeys.tenant).toBe(alone.audienceKeys.viewer);
    expect(alone.audienceKeys.public).toBe(anonymousPrincipal('x').audienceKeys.public);
  });
});

describe('anonymousPrincipal()', () => {
  it('holds nothing but its network, never expires and sends no metadata', () => {
    const principal = anonymousPrincipal('203.0.113.0/24');
    expect(principal).toMatchObject({ kind: 'anonymous', subject: null, network: '203.0.113.0/24' });
    expect(principal).toMatchObject({
      tenant: null,
      client: null,
      scopes: new Set(),
      issuedAtMs: null,
      expiresAtMs: null,
    });
    expect(metadataFromPrincipal(principal)).toEqual({});
  });

  it('is kept apart from other networks and from every verified viewer', () => {
    const viewer = (network: string) => anonymousPrincipal(network).audienceKeys.viewer;
    expect(viewer('a')).toBe(viewer('a'));
    expect(viewer('a')).not.toBe(viewer('b'));
    fc.assert(
      fc.property(identities, name, (each, network) => {
        expect(verifiedPrincipal(each).audienceKeys.viewer).not.toBe(viewer(network));
      }),
    );
  });
});

describe('metadataFromPrincipal()', () => {
  it('gives the allowlist and nothing else', () => {
    expect(metadataFromPrincipal(verifiedPrincipal(identity))).toEqual({
      'x-weir-subject': 'user-1',
      'x-weir-tenant': 'north',
      'x-weir-client': 'web',
      'x-weir-scopes': 'things:read things:write',
    });
  });

  it('leaves out what the token does not say', () => {
    const bare = { ...identity, tenant: null, client: null, scopes: new Set<string>() };
    expect(metadataFromPrincipal(verifiedPrincipal(bare))).toEqual({ 'x-weir-subject': 'user-1' });
  });

  it('122: is printable ASCII that decodes to the same, whatever a name holds', () => {
    const anything = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(anything, (subject) => {
        const value =
          metadataFromPrincipal(verifiedPrincipal({ ...identity, subject }))['x-weir-subject'] ?? '';
        expect(value).toMatch(/^[!-~]+$/);
        expect(value).not.toMatch(/[\s,;]/);
        expect(decodeURIComponent(value)).toBe(subject);
      }),
    );
  });

  it('fits into the metadata of a call when every claim is as long as it may be', () => {
    const long = 'é'.repeat(Math.floor(maxNameLength / 6));
    const scopes = Array.from({ length: maxScopes.count }, (_, at) => `${at}`.padStart(19, 's')).join(' ');
    const claims = { sub: long, tenant: long, client_id: long, scope: scopes, iat: 0, exp: 60 };
    const rules = {
      tenantClaim: 'tenant',
      clientClaims: ['client_id'],
      maxLifetimeMs: 60_000,
      toleranceMs: 0,
    };
    const metadata = metadataFromPrincipal(verifiedPrincipal(identityFromClaims(claims, rules)));
    expect(JSON.stringify(metadata).length).toBeGreaterThan(3_500);
    expect(JSON.stringify(metadata).length).toBeLessThan(4_096);
    expect(metadataFrom({ requestId: 'r', metadata })).toBeInstanceOf(Metadata);
  });
});
