import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  isKeyId,
  keysFitting,
  maxCandidates,
  maxKeys,
  parseJwkSet,
  parseKeys,
  parsePem,
} from '../../src/identity/key-set.ts';
import { createIssuerKey, type IssuerKey, jwkSet } from './issuer.ts';

const ed = createIssuerKey('ed');
const ec = createIssuerKey('ec', 'ES256');
const rsa = createIssuerKey('rsa', 'RS256');

type Jwk = Readonly<Record<string, unknown>>;

const setOf = (...jwks: readonly Jwk[]) => JSON.stringify({ keys: jwks });
/** Self-signed, for P-256; its private key was thrown away. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIULTooqQujBt3Ejw9u2atu/wIk1U0wCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOaXNzdWVyLmV4YW1wbGUwIBcNMjYxMTIzMDM0NTI5WhgPMjEy
NjEwMzAwMzQ1MjlaMBkxFzAVBgNVBAMMDmlzc3Vlci5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEL42r2R3Uc7MX7BCzD0yOI+umnoW5bz90YW8n273F
N1PltE0qMBZ6JIBdfHUHV7a2GJPIZTGM+QXuSdsnzvCKx6NTMFEwHQYDVR0OBBYE
FC8v8GIwCWsXq0cp+y/MoFpK928pMB8GA1UdIwQYMBaAFC8v8GIwCWsXq0cp+y/M
oFpK928pMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgRXZqbLJi
48r4YkBY7um77vXc8VNzQZYWLjTNWE4/gP4CIH6fRRJQmZhr/4fAsj3IRgLmadJr
I05pLTeVfyi0+KOd
-----END CERTIFICATE-----`;

const kidsOf = (text: string) => {
  const parsed = parseKeys(text);
  return parsed.ok ? parsed.keys.map(({ kid }) => kid) : parsed.fault;
};
const pemOf = ({ publicKey }: Pick<IssuerKey, 'publicKey'>) =>
  String(publicKey.export({ format: 'pem', type: 'spki' }));

describe('parseJwkSet()', () => {
  it('names the algorithms of each type', () => {
    const parsed = parseJwkSet(jwkSet(ed, ec, rsa));
    const algorithms = parsed.ok ? parsed.keys.map((key) => key.algorithms) : [];
    expect(algorithms).toEqual([['EdDSA', 'Ed25519'], ['ES256'], ['RS256']]);
  });

  it('gives equal ids for equal keys under one kid, and others for all else', () => {
    const ids = (text: string) => {
      const parsed = parseJwkSet(text);
      return parsed.ok ? parsed.keys.map(({ id }) => id) : [];
    };
    expect(ids(jwkSet(ed))).toEqual(ids(setOf({ ...ed.jwk, use: 'sig' })));
    expect(ids(jwkSet(ed))).not.toEqual(ids(setOf({ ...ed.jwk, kid: 'other' })));
    expect(ids(jwkSet(ed))).not.toEqual(ids(jwkSet(createIssuerKey('ed'))));
  });

  const { alg: _alg, ...unnamed } = ed.jwk;
  const weak = createIssuerKey('weak', 'RS256', 2047);
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey.export({ format: 'jwk' });

  it.each<readonly [string, Jwk]>([
    ['is for encryption', { ...ed.jwk, use: 'enc' }],
    ['may not verify', { ...ed.jwk, key_ops: ['sign'] }],
    ['is of an unknown type', { kty: 'XYZ', kid: 'a' }],
    ['is of another curve', { ...p384, kid: 'a' }],
    ['names an algorithm that it cannot have', { ...ed.jwk, alg: 'RS256' }],
    ['names an algorithm that there is not here', { ...rsa.jwk, alg: 'PS256' }],
    ['lacks a coordinate', { kty: 'EC', crv: 'P-256', x: ec.jwk['x'], kid: 'a' }],
    ['is no point of its curve', { ...ec.jwk, y: ec.jwk['x'] }],
    ['has a kid that is none', { ...ed.jwk, kid: 'a b' }],
    ['has a number for a kid', { ...ed.jwk, kid: 7 }],
    ['is an RSA key of 2,047 bits', weak.jwk],
  ])('passes over a key that %s', (_name, jwk) => {
    expect(kidsOf(setOf(jwk, ec.jwk))).toEqual(['ec']);
    expect(kidsOf(setOf(jwk))).toContain('none of its 1 keys');
  });

  it.each<readonly [string, Jwk]>([
    ['alg', unnamed],
    ['kid', { ...ed.jwk, kid: undefined }],
    ['all but what verifies', { ...ed.jwk, use: 'sig', key_ops: ['verify'], x5t: 'abc', extra: {} }],
  ])('takes a key without %s', (_name, jwk) => {
    expect(kidsOf(setOf(jwk))).toHaveLength(1);
  });

  it.each<readonly [string, Jwk]>([
    ['Ed25519', { ...ed.privateKey.export({ format: 'jwk' }), kid: 'p' }],
    ['EC', { ...ec.privateKey.export({ format: 'jwk' }), kid: 'p' }],
    ['RSA', { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'p' }],
    ['symmetric', { kty: 'oct', k: 'AAAA', kid: 'p' }],
    ['unknown', { kty: 'AKP', priv: 'AAAA', kid: 'p' }],
  ])('refuses the whole set when it holds a private key of type %s', (_name, jwk) => {
    expect(kidsOf(setOf(ed.jwk, jwk))).toContain('private or symmetric');
  });

  it('refuses one key id twice for one type, and takes it for two types (RFC 7517 section 4.5)', () => {
    expect(kidsOf(jwkSet(ed, createIssuerKey('ed')))).toContain('same key id');
    expect(kidsOf(jwkSet(ed, ed))).toContain('same key id');
    expect(kidsOf(jwkSet(ed, createIssuerKey('ed', 'ES256')))).toEqual(['ed', 'ed']);
  });

  it('takes as many keys as may be, and refuses one more', () => {
    const others = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ kty: 'XYZ', kid: `k${at}` }));
    expect(kidsOf(setOf(ed.jwk, ...others(maxKeys - 1)))).toEqual(['ed']);
    expect(kidsOf(setOf(ed.jwk, ...others(maxKeys)))).toContain(`more than ${maxKeys}`);
  });

  it.each(['', 'null', '[]', '{}', '{"keys":{}}', '{"keys":null}', 'canary', '{"keys":[canary'])(
    'refuses %j without quoting it',
    (text) => {
      expect(kidsOf(text)).toContain('not a JWK Set');
      expect(kidsOf(text)).not.toContain('canary');
    },
  );

  it('passes over entries that are no objects', () => {
    expect(kidsOf(`{"keys":[1,null,"x",[],${JSON.stringify(ed.jwk)}]}`)).toEqual(['ed']);
  });
});

describe('parsePem()', () => {
  it('takes up to the bound of public keys, text between them, and refuses one more', () => {
    const pems = [ed, ec, rsa, createIssuerKey('x'), createIssuerKey('y')].map(pemOf);
    expect(kidsOf(pems.slice(0, maxCandidates).join('# retired:\n'))).toEqual([null, null, null, null]);
    expect(kidsOf(pems.join(''))).toContain(`more than ${maxCandidates}`);
  });

  it('takes the key of a certificate', () => {
    const parsed = parsePem(certificate);
    expect(parsed.ok && parsed.keys.map((key) => key.algorithms)).toEqual([['ES256']]);
  });

  it('refuses private keys, alone and beside a public one', () => {
    const secret = String(ed.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const older = String(rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }));
    for (const text of [secret, older, pemOf(ed) + secret]) expect(kidsOf(text)).toContain('no private key');
  });

  it('refuses keys that cannot verify here, broken blocks and no blocks', () => {
    const weak = createIssuerKey('weak', 'RS256', 1024);
    expect(kidsOf(pemOf(ed) + pemOf(weak))).toContain('no key that can verify');
    expect(kidsOf('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----')).toContain('no key that can');
    expect(kidsOf('-----BEGIN PUBLIC KEY-----\nAAAA')).toContain('no complete PEM block');
    expect(parsePem('')).toMatchObject({ ok: false });
  });
});

describe('keysFitting()', () => {
  const keysOf = (text: string) => {
    const parsed = parseKeys(text);
    return parsed.ok ? parsed.keys : [];
  };

  it('prefers the key of the id, then keys without any', () => {
    const { kid: _kid, ...nameless } = createIssuerKey('x').jwk;
    const keys = keysOf(setOf(ed.jwk, nameless));
    const kids = (kid: string | null) => keysFitting(keys, 'EdDSA', kid).map((key) => key.kid);
    expect(kids('ed')).toEqual(['ed']);
    expect(kids('other')).toEqual([null]);
    expect(kids(null)).toEqual([null]);
  });

  it('takes all that fit the algorithm when neither side names any, unless they are too many', () => {
    const count = (size: number) => {
      const keys = keysOf(jwkSet(...Array.from({ length: size }, (_, at) => createIssuerKey(`k${at}`)), rsa));
      return keysFitting(keys, 'Ed25519', null).length;
    };
    expect([count(1), count(maxCandidates), count(maxCandidates + 1)]).toEqual([1, maxCandidates, 0]);
  });
});

describe('isKeyId()', () => {
  it.each(['a', 'a-B_9.~:=+@/', 'x'.repeat(128)])('accepts %s', (kid) => {
    expect(isKeyId(kid)).toBe(true);
  });

  it.each(['', ' ', "a'b", 'a;b', 'é', 'x'.repeat(129), 7, null, undefined, ['a']])('refuses %j', (kid) => {
    expect(isKeyId(kid)).toBe(false);
  });
});
