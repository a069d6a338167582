import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop } from '../kit/shop.ts';
import { sampleOperations } from './operations.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop?.close());

describe.each(sampleOperations)('$name', ({ query, variables, calls }) => {
  it.each([2, 10, 50])('makes the calls of its plan and no more with pages of %i', async (size) => {
    shop.calls.length = 0;
    const { data, errors } = await shop.ask(query, variables(size));
    expect(errors).toBeUndefined();
    expect(data).toBeTruthy();
    expect(shop.calls.toSorted()).toEqual(calls.toSorted());
  });
});

describe('a level with more keys than a batch may hold', () => {
  it('is spread over as few calls as hold them, and the next level is one batch again', async () => {
    // 100 products x 40 reviews have more than 500 authors, and fewer than the 2,000 users that there are.
    const query = `{ products(first: 100, order: BESTSELLING) { edges { node {
      reviews(first: 40) { edges { node { author { id friends(first: 1) { edges { node { id } } } } } } } } } } }`;
    shop.calls.length = 0;
    const { data, errors } = await shop.ask(query);
    expect(errors).toBeUndefined();
    const authors = new Set(JSON.stringify(data).match(/"author":\{"id":"[^"]+"/g));
    expect(authors.size).toBeGreaterThan(500);
    const atMost = 2 * Math.ceil(2000 / 500);
    const userCalls = shop.calls.filter((call) => call === 'UserService/BatchGetUsers').length;
    expect(userCalls).toBeGreaterThanOrEqual(Math.ceil(authors.size / 500));
    expect(userCalls).toBeLessThanOrEqual(atMost);
    expect(shop.calls.length - userCalls).toBe(2);
  });
});
