import { isThenable } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { WeirError } from '../errors.ts';
import type { ListSize } from '../guard/cost/weights.ts';
import type { Overflow } from './options.ts';
import { createSlice } from './slice.ts';

/** A field whose resolver is held to its list size. */
export interface BoundedField {
  /** `Parent.field`. */
  readonly coordinate: string;
  readonly isList: boolean;
  readonly listSize?: ListSize | undefined;
  readonly overflow: Overflow;
}

/** Items that a list may have at most, as the price of its operation was made. */
interface Bound {
  readonly size: number;
  readonly overflow: Overflow;
  /** The field that says so. */
  readonly coordinate: string;
}

interface HandedDown extends Bound {
  readonly fields: readonly string[];
}

type Resolve<Context> = GraphQLFieldResolver<unknown, Context, object>;

/** Holds the resolvers of one schema to their list sizes. */
export interface ListBounds {
  /**
   * The resolver of a field, held to what the field's list size says: slicing arguments out of 0 to the maximum are
   * refused before it runs (`PAGE_SIZE`, `BAD_USER_INPUT`); a list that comes longer is cut, or fails with
   * `INTERNAL_SERVER_ERROR` and a private cause. Holds arrays, other iterables and streams, and promises of them.
   */
  readonly hold: <Context extends object>(resolve: Resolve<Context>, field: BoundedField) => Resolve<Context>;
}

/**
 * Bounds of one schema. What a field hands down to the lists of the object that it gives is kept for as long as that
 * object is; an object that is given at two places holds its lists to the larger bound.
 */
export function createListBounds(): ListBounds {
  const handed = new WeakMap<object, HandedDown>();

  function handDown<Value>(value: Value, bound: HandedDown): Value {
    if (typeof value !== 'object' || value === null) return value;
    const known = handed.get(value);
    if (!known || known.size < bound.size) handed.set(value, bound);
    return value;
  }

  function handedDown(parent: unknown, fieldName: string): Bound | undefined {
    const above = typeof parent === 'object' && parent !== null ? handed.get(parent) : undefined;
    return above?.fields.includes(fieldName) ? above : undefined;
  }

  return {
    hold: (resolve, { coordinate, isList, listSize, overflow }) => {
      const slice = listSize && createSlice(coordinate, listSize);
      if (isList)
        return (parent, args, context, info) => {
          const bound = handedDown(parent, info.fieldName) ?? {
            size: slice ? slice(args, context) : 0,
            overflow,
            coordinate,
          };
          return held(resolve(parent, args, context, info), bound);
        };
      const fields = listSize?.sizedFields ?? [];
      if (!slice || fields.length === 0) return resolve;
      return (parent, args, context, info) => {
        const bound = { size: slice(args, context), overflow, coordinate, fields };
        const value = resolve(parent, args, context, info);
        return isThenable(value) ? value.then((settled) => handDown(settled, bound)) : handDown(value, bound);
      };
    },
  };
}

function held(list: unknown, bound: Bound): unknown {
  if (Array.isArray(list)) return list.length <= bound.size ? list : cut(list, bound);
  if (typeof list !== 'object' || list === null) return list;
  if (isThenable(list)) return list.then((settled) => held(settled, bound));
  if (Symbol.asyncIterator in list) return heldStream(list as AsyncIterable<unknown>, bound); // as: looked at the line
  if (Symbol.iterator in list) return held([...(list as Iterable<unknown>)], bound); // as: looked at the line
  return list;
}

function cut(list: readonly unknown[], bound: Bound): unknown[] {
  const { size, overflow } = bound;
  // What is left out may fail as well, and nobody waits for it.
  void Promise.allSettled(overflow === 'cut' ? list.slice(size) : list);
  if (overflow === 'cut') return list.slice(0, size);
  throw tooLong(bound, String(list.length));
}

async function* heldStream(items: AsyncIterable<unknown>, bound: Bound): AsyncGenerator<unknown> {
  let count = 0;
  for await (const item of items) {
    if (count === bound.size) {
      if (bound.overflow === 'cut') return;
      throw tooLong(bound, `${count + 1} or more`);
    }
    count += 1;
    yield item;
  }
}

function tooLong({ coordinate, size }: Bound, came: string): WeirError {
  const cause = new Error(
    `${coordinate} gave ${came} items and its "listSize" says at most ${size}: correct the resolver or the size, or let "overflow" cut the list.`,
  );
  return new WeirError('INTERNAL_SERVER_ERROR', { cause });
}
