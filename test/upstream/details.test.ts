import {
  BadRequest,
  DebugInfo,
  ErrorInfo,
  Help,
  LocalizedMessage,
  PreconditionFailure,
  QuotaFailure,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
} from 'nice-grpc-error-details';
import { describe, expect, it } from 'vitest';
import { closedDetailsPolicy, decodeDetails } from '../../src/upstream/details.ts';
import { detail, richStatus } from './rich-status.ts';

const decode = (details: Parameters<typeof richStatus>[1], policy = closedDetailsPolicy) =>
  decodeDetails(richStatus(9, details), 9, policy);

describe('decodeDetails()', () => {
  it('shows reason and domain of ErrorInfo, and its metadata by allow-list alone', () => {
    const info = detail(ErrorInfo, {
      reason: 'OUT_OF_STOCK',
      domain: 'stock.example.com',
      metadata: { left: '3', host: 'db-7' },
    });
    expect(decode([info])).toEqual({ reason: 'OUT_OF_STOCK', domain: 'stock.example.com' });
    const policy = { ...closedDetailsPolicy, errorMetadataKeys: ['left', 'toString', '__proto__'] };
    expect(decode([info], policy)).toEqual({
      reason: 'OUT_OF_STOCK',
      domain: 'stock.example.com',
      errorMetadata: { left: '3' },
    });
  });

  it('drops a reason that is not a constant of 1 to 63 characters, and a domain that is none', () => {
    const reasons = ['R', 'R'.repeat(63), 'R'.repeat(64), '', 'lower', 'WITH SPACE', 'at db-7.internal:5432'];
    expect(reasons.map((reason) => decode([detail(ErrorInfo, { reason, domain: 'a b' })]))).toEqual([
      { reason: 'R' },
      { reason: 'R'.repeat(63) },
      {},
      {},
      {},
      {},
      {},
    ]);
  });

  it('shows field violations, without fields that are no path and with bounded text', () => {
    const fieldViolations = [
      { field: 'lines[2].quantity', description: `must be positive\r\n${'x'.repeat(600)}` },
      { field: 'not a path', description: 'SELECT 1' },
    ];
    const shown = decode([detail(BadRequest, { fieldViolations })]);
    expect(shown.fieldViolations).toHaveLength(1);
    expect(shown.fieldViolations?.[0]?.path).toEqual(['lines', 2, 'quantity']);
    expect(shown.fieldViolations?.[0]?.description).toMatch(/^must be positive {2}x+$/);
    expect(shown.fieldViolations?.[0]?.description).toHaveLength(512);
  });

  it.each([15, 16, 17])('shows at most 16 of %i field violations', (count) => {
    const fieldViolations = Array.from({ length: count }, (_, index) => ({
      field: `f${index}`,
      description: '',
    }));
    expect(decode([detail(BadRequest, { fieldViolations })]).fieldViolations).toHaveLength(
      Math.min(count, 16),
    );
  });

  it('shows the types of preconditions and the classes of quota subjects, never the subjects', () => {
    const shown = decode([
      detail(PreconditionFailure, {
        violations: [{ type: 'TOS', subject: 'user:secret', description: 'secret' }],
      }),
      detail(QuotaFailure, {
        violations: [{ subject: 'project:secret', description: 'secret' }, { subject: 'secret' }],
      }),
    ]);
    expect(shown).toEqual({ preconditions: ['TOS'], quotaSubjects: ['project'] });
  });

  it('gives RetryInfo in milliseconds, at most an hour, never below zero', () => {
    const delays = [
      { seconds: 1, nanos: 500_000_001 },
      { seconds: 0, nanos: 0 },
      { seconds: 1_000_000, nanos: 0 },
      { seconds: -1, nanos: 0 },
    ];
    const shown = delays.map((retryDelay) => decode([detail(RetryInfo, { retryDelay })]).retryAfterMs);
    expect(shown).toEqual([1_501, 0, 3_600_000, undefined]);
  });

  it('shows the type of a resource, its name only when allowed, its owner and description never', () => {
    const info = detail(ResourceInfo, {
      resourceType: 'a.v1.Thing',
      resourceName: 'things/7',
      owner: 'o',
      description: 'd',
    });
    expect(decode([info])).toEqual({ resourceType: 'a.v1.Thing' });
    expect(decode([info], { ...closedDetailsPolicy, resourceNames: true })).toEqual({
      resourceType: 'a.v1.Thing',
      resourceName: 'things/7',
    });
  });

  it('shows localized prose and help on allowed https hosts alone', () => {
    const links = [
      'https://help.example.com/a',
      'http://help.example.com/a',
      'https://user@help.example.com/',
      'https://evil.example.com/',
      'javascript:alert(1)',
    ].map((url) => ({ url, description: 'd' }));
    const details = [
      detail(LocalizedMessage, { locale: 'de-CH', message: 'Nicht da' }),
      detail(Help, { links }),
    ];
    expect(decode(details)).toEqual({ localizedMessage: { locale: 'de-CH', message: 'Nicht da' } });
    expect(decode(details, { ...closedDetailsPolicy, helpHosts: ['help.example.com'] }).links).toEqual([
      { url: 'https://help.example.com/a', description: 'd' },
    ]);
  });

  it('never shows DebugInfo, RequestInfo or an unknown type', () => {
    const unknown = {
      ...detail(ErrorInfo, { reason: 'SECRET' }),
      typeUrl: 'type.googleapis.com/a.v1.Secret',
    };
    expect(
      decode([
        detail(DebugInfo, { stackEntries: ['secret'], detail: 'secret' }),
        detail(RequestInfo, { requestId: 'secret', servingData: 'secret' }),
        unknown,
      ]),
    ).toEqual({});
  });

  it('reads 16 entries and not the 17th', () => {
    const filler = detail(RequestInfo, {});
    const info = detail(ErrorInfo, { reason: 'LAST' });
    expect(decode([...Array(15).fill(filler), info])).toEqual({ reason: 'LAST' });
    expect(decode([...Array(16).fill(filler), info])).toEqual({});
  });

  it('reads 8,192 bytes and not one more', () => {
    const info = detail(ErrorInfo, { reason: 'FITS' });
    const sized = (bytes: number) => {
      const bare = richStatus(9, [info], 'x'.repeat(8_000)).length;
      return richStatus(9, [info], 'x'.repeat(8_000 + bytes - bare));
    };
    expect([8_191, 8_192, 8_193].map((bytes) => sized(bytes).length)).toEqual([8_191, 8_192, 8_193]);
    expect([8_191, 8_192, 8_193].map((bytes) => decodeDetails(sized(bytes), 9, closedDetailsPolicy))).toEqual(
      [{ reason: 'FITS' }, { reason: 'FITS' }, {}],
    );
  });

  it('ignores a status of another code', () => {
    expect(
      decodeDetails(richStatus(5, [detail(ErrorInfo, { reason: 'R' })]), 9, closedDetailsPolicy),
    ).toEqual({});
  });

  it('ignores garbage, as a whole and per entry', () => {
    expect(decodeDetails(Buffer.from('garbage garbage'), 9, closedDetailsPolicy)).toEqual({});
    expect(decodeDetails(Buffer.alloc(0), 9, closedDetailsPolicy)).toEqual({});
    const broken = { ...detail(BadRequest, {}), value: Buffer.from([0x0a, 0xff]) };
    expect(decode([broken, detail(ErrorInfo, { reason: 'R' })])).toEqual({ reason: 'R' });
  });
});
