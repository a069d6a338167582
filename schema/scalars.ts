import { GraphQLError } from 'graphql';
import { builder } from './builder.ts';
import { decimalText, parseDecimal } from './decimal.ts';

const int64 = { minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n };

builder.scalarType('DateTime', {
  description: 'A moment: RFC 3339 with milliseconds, in UTC, such as `2026-02-03T04:05:06.789Z`.',
  serialize: (moment) => moment.toISOString(),
  parseValue: (value) => {
    const moment = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : undefined;
    if (moment && !Number.isNaN(moment.getTime())) return moment;
    throw unfit('DateTime', 'an RFC 3339 text such as "2026-02-03T04:05:06Z"', value);
  },
});

builder.scalarType('BigInt', {
  description: 'A whole number of 64 bits, as text: JSON numbers are exact only to 2^53.',
  serialize: (value) => value.toString(),
  parseValue: (value) => {
    const whole = isWhole(value) ? BigInt(value) : undefined;
    if (whole !== undefined && whole >= int64.minimum && whole <= int64.maximum) return whole;
    throw unfit('BigInt', 'a whole number of 64 bits as text, such as "9007199254740993"', value);
  },
});

builder.scalarType('Decimal', {
  description:
    'An exact decimal number as text, such as `12.75`: up to 18 digits before and 9 behind the point.',
  serialize: decimalText,
  parseValue: (value) => {
    const parsed = typeof value === 'string' ? parseDecimal(value) : undefined;
    if (parsed) return parsed;
    throw unfit('Decimal', 'a decimal number as text, such as "12.75"', value);
  },
});

builder.scalarType('URL', {
  description: 'An absolute address (WHATWG URL).',
  serialize: (address) => address,
  parseValue: (value) => {
    if (typeof value === 'string' && URL.canParse(value)) return value;
    throw unfit('URL', 'an absolute address such as "https://example.com/"', value);
  },
});

function isWhole(value: unknown): value is string | number {
  return typeof value === 'number'
    ? Number.isSafeInteger(value)
    : typeof value === 'string' && /^-?\d{1,19}$/.test(value);
}

function unfit(scalar: string, expected: string, value: unknown): GraphQLError {
  return new GraphQLError(`${scalar}: expected ${expected}, got ${JSON.stringify(value)?.slice(0, 60)}.`);
}
