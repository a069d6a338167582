import type { StreamParameters } from './stream-parameters.ts';

/**
 * What a request asks of prices: its header `GraphQL-Cost`, or else `extensions.cost`, since messages of a WebSocket have
 * no headers. Undefined for nothing; see costModeFrom for what may stand there.
 */
export function costAskedBy(request: {
  readonly costHeader?: string | undefined;
  readonly parameters: Pick<StreamParameters, 'extensions'>;
}): string | undefined {
  const { costHeader, parameters } = request;
  if (costHeader !== undefined) return costHeader;
  const asked = parameters.extensions?.['cost'] ?? undefined;
  return asked === undefined || typeof asked === 'string' ? asked : JSON.stringify(asked);
}
