import { describe, expect, it } from 'vitest';
import { selectFields } from '../../upstreams/mask.ts';

const table = { id: ['id'], price: ['currency_code', 'price_nanos'], currency: ['currency_code'] } as const;

describe('selectFields()', () => {
  it.each([[undefined], [[]], [['*']]])('selectFields() takes everything for the mask %j', (mask) => {
    expect(selectFields(mask, table).columns).toEqual(['id', 'currency_code', 'price_nanos']);
  });

  it('selectFields() takes the id and each column once', () => {
    const { fields, columns } = selectFields(['price.units', 'price', 'currency'], table);
    expect([...fields]).toEqual(['id', 'price', 'currency']);
    expect(columns).toEqual(['id', 'currency_code', 'price_nanos']);
    expect(selectFields(['id'], table).columns).toEqual(['id']);
  });

  it.each(['', 'Price', 'constructor', '__proto__', '*', 'id; DROP TABLE users'])(
    'selectFields() refuses the path %j',
    (path) => {
      expect(() => selectFields(['id', path], table)).toThrow(/^read_mask: /);
    },
  );
});
