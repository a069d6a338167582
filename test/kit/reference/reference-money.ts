/** Billionths of a unit as decimal text: two digits behind the point, more only where they are not zeros. */
export function decimalOf(nanos: bigint): string {
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${fraction}`;
}

/** The billionths of a unit in decimal text. */
export function nanosOf(decimal: string): bigint {
  const [whole = '', fraction = ''] = decimal.replace('-', '').split('.');
  const nanos = BigInt(whole + fraction.padEnd(9, '0'));
  return decimal.startsWith('-') ? -nanos : nanos;
}

export function moneyOf(nanos: string, currencyCode: string) {
  return { amount: decimalOf(BigInt(nanos)), currencyCode };
}
