import { WeirError } from '../errors.ts';
import {
  type GatewayPages,
  hasGatewayPages,
  type ListSize,
  withGatewayPages,
} from '../guard/cost/weights.ts';
import { parsePageArguments } from '../page/page.ts';

/** Items that a field is asked for by its arguments, in the context of its operation. */
export type Slice = (args: object, context: object) => number;

/**
 * Reads what a field is asked for: its largest slicing argument, else its default, in items. It throws before anything is
 * resolved: `PAGE_SIZE` for a number out of 0 to the maximum, `BAD_USER_INPUT` for a list that is too long, or for none or
 * several slicing arguments where exactly one is required.
 */
export function createSlice(coordinate: string, own: ListSize): Slice {
  const { slicingArguments = [], requireOneSlicingArgument = true } = own;
  if (slicingArguments.length === 0) {
    const { assumedSize = 0, defaultSize = assumedSize } = own;
    return () => defaultSize;
  }
  const isPage = hasGatewayPages(own);
  return (args, context) => {
    const listSize = isPage && hasPages(context) ? withGatewayPages(own, context.pages) : own;
    const { maximum = Number.POSITIVE_INFINITY } = listSize;
    let size = -1;
    let given = 0;
    for (const name of slicingArguments) {
      const value: unknown = args[name as keyof typeof args]; // as: the argument may be left out
      const asked = Array.isArray(value) ? value.length : value;
      if (typeof asked !== 'number') continue;
      if (asked < 0 || asked > maximum) throw refusal(own, name, value, maximum);
      size = Math.max(size, asked);
      given += 1;
    }
    if (requireOneSlicingArgument && given !== 1) throw notOne(coordinate, slicingArguments, given);
    if (given > 0) return size;
    return listSize.defaultSize ?? listSize.assumedSize ?? Number.POSITIVE_INFINITY;
  };
}

/** Whether it is an operation's context: `operation/` is of the same rank, so its type cannot be named here. */
function hasPages(context: object): context is { readonly pages: GatewayPages } {
  return 'pages' in context && typeof context.pages === 'object' && context.pages !== null;
}

function refusal({ sizedFields = [] }: ListSize, name: string, value: unknown, maximum: number): WeirError {
  const extensions = { argument: name, maximum };
  if (Array.isArray(value))
    return new WeirError('BAD_USER_INPUT', {
      message: `Argument "${name}": expected at most ${maximum} items, got ${value.length}. Ask for them in several operations.`,
      extensions,
    });
  const limits = { defaultSize: maximum, maxSize: maximum };
  const page = sizedFields.length > 0 ? parsePageArguments({ [name]: value }, limits) : undefined;
  if (page && !page.ok) return page.error;
  return new WeirError('PAGE_SIZE', {
    message: `Argument "${name}": expected a whole number from 0 to ${maximum}, got ${value}. Ask for fewer, or leave it out.`,
    extensions,
  });
}

function notOne(coordinate: string, names: readonly string[], given: number): WeirError {
  const all = names.map((name) => `"${name}"`).join(', ');
  return new WeirError('BAD_USER_INPUT', {
    message: `${coordinate}: expected exactly one of the arguments ${all}, got ${given}.`,
  });
}
