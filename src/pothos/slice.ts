import { WeirError } from '../errors.ts';
import { type GatewayPages, type ListSize, withGatewayPages } from '../guard/cost/weights.ts';
import { parsePageArguments } from '../page/page.ts';

/**
 * Items that a field is asked for: its largest slicing argument, else its default, in items. Throws before anything is
 * resolved: `PAGE_SIZE` for a number out of 0 to the maximum, `BAD_USER_INPUT` for a list that is too long, or for none or
 * several slicing arguments where exactly one is required.
 */
export function sliceOf(coordinate: string, own: ListSize, args: object, context: object): number {
  const { slicingArguments = [], requireOneSlicingArgument = true } = own;
  if (slicingArguments.length === 0) return own.defaultSize ?? own.assumedSize ?? 0;
  const listSize = withGatewayPages(own, hasPages(context) ? context.pages : undefined);
  const { maximum = Number.POSITIVE_INFINITY } = listSize;
  let size: number | undefined;
  let given = 0;
  for (const name of slicingArguments) {
    const asked = askedBy(args, name);
    if (asked === undefined) continue;
    if (asked.size < 0 || asked.size > maximum) throw refusal(listSize, name, asked, maximum);
    size = Math.max(size ?? 0, asked.size);
    given += 1;
  }
  if (requireOneSlicingArgument && given !== 1) throw notOne(coordinate, slicingArguments, given);
  return size ?? listSize.defaultSize ?? listSize.assumedSize ?? Number.POSITIVE_INFINITY;
}

interface Asked {
  readonly size: number;
  readonly isList: boolean;
}

/** A number by its value, a list by its length; undefined for what is not given. */
function askedBy(args: object, name: string): Asked | undefined {
  const value: unknown = name in args ? args[name as keyof typeof args] : undefined; // as: looked at the line
  if (Array.isArray(value)) return { size: value.length, isList: true };
  return typeof value === 'number' ? { size: value, isList: false } : undefined;
}

/** Whether it is an operation's context: `operation/` is of the same rank, so its type cannot be named here. */
function hasPages(context: object): context is { readonly pages: GatewayPages } {
  return 'pages' in context && typeof context.pages === 'object' && context.pages !== null;
}

function refusal({ sizedFields = [] }: ListSize, name: string, asked: Asked, maximum: number): WeirError {
  const { size, isList } = asked;
  if (isList)
    return new WeirError('BAD_USER_INPUT', {
      message: `Argument "${name}": expected at most ${maximum} items, got ${size}. Ask for them in several operations.`,
      extensions: { argument: name, maximum },
    });
  const limits = { defaultSize: maximum, maxSize: maximum };
  const page = sizedFields.length > 0 ? parsePageArguments({ [name]: size }, limits) : undefined;
  if (page && !page.ok) return page.error;
  return new WeirError('PAGE_SIZE', {
    message: `Argument "${name}": expected a whole number from 0 to ${maximum}, got ${size}. Ask for fewer, or leave it out.`,
    extensions: { argument: name, maximum },
  });
}

function notOne(coordinate: string, names: readonly string[], given: number): WeirError {
  const all = names.map((name) => `"${name}"`).join(', ');
  return new WeirError('BAD_USER_INPUT', {
    message: `${coordinate}: expected exactly one of the arguments ${all}, got ${given}.`,
  });
}
