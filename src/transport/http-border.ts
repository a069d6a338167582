import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { WeirError } from '../errors.ts';
import type { OperationContext } from '../operation/context.ts';
import { holdEvents } from './stream-operation.ts';

/** The plugin between our transports and Envelop: events of a subscription pass it as they are. */
export function createHttpBorder(): Plugin<OperationContext> {
  return { onSubscribe: () => ({ onSubscribeResult: holdEvents }) };
}

/** Yoga's `maskError`: only wraps, for it knows no request; the transport turns the wrapped error into a public one. */
export function wrapError(thrown: unknown): GraphQLError {
  return thrown instanceof GraphQLError
    ? thrown
    : new GraphQLError('', { originalError: WeirError.from(thrown) });
}
