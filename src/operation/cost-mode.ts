import { WeirError } from '../errors.ts';
import type { CostMode } from './charge.ts';

/** What the header `GraphQL-Cost`, or `extensions.cost` in its place, asks for; throws `BAD_REQUEST` for what is neither `report` nor `validate`. */
export function costModeFrom(header: string | undefined): CostMode | undefined {
  if (header === undefined || header === 'report' || header === 'validate') return header;
  throw new WeirError('BAD_REQUEST', {
    message: `Header "GraphQL-Cost": expected report or validate, got ${JSON.stringify(header.slice(0, 40))}.`,
  });
}
