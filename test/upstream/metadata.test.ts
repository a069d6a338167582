import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { metadataFrom } from '../../src/upstream/metadata.ts';

const from = (metadata: Record<string, string>, requestId = 'r') => metadataFrom({ requestId, metadata });
const mapOf = (made: Metadata | string) => (typeof made === 'string' ? made : made.getMap());

describe('metadataFrom()', () => {
  it('carries request id, trace and allowed values', () => {
    expect(
      mapOf(metadataFrom({ requestId: 'r', traceparent: 't', metadata: { 'x-a': '1', 'b-bin': 'ü' } })),
    ).toEqual({
      'x-request-id': 'r',
      traceparent: 't',
      'x-a': '1',
      'b-bin': Buffer.from('ü'),
    });
  });

  it.each(['\r', '\n', '\0', '\x1f', '\x7f', 'ü', '漢', '\ud800'])(
    '122: refuses the value %j outside -bin keys',
    (value) => {
      expect(from({ 'x-a': `a${value}b` })).toBe('The metadata value of "x-a" is not printable ASCII.');
      expect(from({ 'x-a-bin': `a${value}b` })).toBeInstanceOf(Metadata);
      expect(metadataFrom({ requestId: value })).toBe(
        'The metadata value of "x-request-id" is not printable ASCII.',
      );
      expect(metadataFrom({ requestId: 'r', traceparent: value })).toBe(
        'The metadata value of "traceparent" is not printable ASCII.',
      );
    },
  );

  it.each([
    'grpc-timeout',
    'grpc-status',
    ':path',
    'te',
    'connection',
    'host',
    'content-type',
    'user-agent',
    'X-Upper',
    'a b',
    '',
  ])('refuses the key %j', (key) => {
    expect(from({ [key]: 'v' })).toBe(`The metadata key ${JSON.stringify(key)} may not be sent.`);
  });

  it.each([
    [4_095, true],
    [4_096, true],
    [4_097, false],
  ])('takes a value of %d bytes: %s', (length, fits) => {
    expect(from({ 'x-a': 'v'.repeat(length) }) instanceof Metadata).toBe(fits);
    expect(
      from({ 'x-a-bin': `${'ü'.repeat(Math.floor(length / 2))}${'u'.repeat(length % 2)}` }) instanceof
        Metadata,
    ).toBe(fits);
  });

  it.each([
    [8_191, true],
    [8_192, true],
    [8_193, false],
  ])('takes %d bytes in all: %s', (total, fits) => {
    const last = total - 'x-request-id'.length - 1 - 2 * ('x-a'.length + 4_000) - 'x-c'.length;
    const made = from({ 'x-a': 'v'.repeat(4_000), 'x-b': 'v'.repeat(4_000), 'x-c': 'v'.repeat(last) });
    expect(made instanceof Metadata || made).toBe(
      fits || 'The metadata is larger than 8192 bytes, at "x-c".',
    );
  });
});
