/** An exact decimal number: `units` whole ones and `nanos` billionths, both of the same sign. */
export interface Decimal {
  readonly units: bigint;
  readonly nanos: number;
}

const decimalPattern = /^(-?)(\d{1,18})(?:\.(\d{1,9}))?$/;

/** The text of a decimal: at least two digits behind the point, no further zeros. */
export function decimalText({ units, nanos }: Decimal): string {
  const sign = units < 0n || nanos < 0 ? '-' : '';
  const whole = units < 0n ? -units : units;
  return `${sign}${whole}.${fractionText(Math.abs(nanos))}`;
}

function fractionText(nanos: number): string {
  const hundredths = nanos / 10_000_000;
  // What most amounts of money have.
  if (Number.isInteger(hundredths)) return hundredths < 10 ? `0${hundredths}` : `${hundredths}`;
  return `${nanos}`.padStart(9, '0').replace(/0{1,7}$/, '');
}

/** The decimal of a text, or undefined where the text is none. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = decimalPattern.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const units = BigInt(whole);
  const nanos = Number(fraction.padEnd(9, '0'));
  return sign === '-' ? { units: -units, nanos: -nanos } : { units, nanos };
}
