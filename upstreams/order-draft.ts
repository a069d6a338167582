import type {
  SubmitOrderHeader,
  SubmitOrderLine,
  SubmitOrderRequest,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { keyViolations } from './idempotency.ts';
import { invalidArgument, type Violation } from './status.ts';
import { ID_BOUNDS, textViolations } from './text.ts';

/** An order as its sender asked for it: right in itself, not yet held against the shop. */
export interface OrderDraft {
  readonly header: SubmitOrderHeader;
  /** 1 to 100, each of another product. */
  readonly lines: readonly SubmitOrderLine[];
}

const MAX_LINES = 100;
const MAX_QUANTITY = 999;
const MAX_NOTE = 200;

/**
 * Reads the parts until the sender is done.
 *
 * @param admit throws when nobody may order so; called with the header before anything else is read.
 * @throws INVALID_ARGUMENT: at once when a part is out of place or one too many, with all other violations at the end; what
 * the parts throw when the sender leaves before.
 */
export async function readOrderDraft(
  parts: AsyncIterable<SubmitOrderRequest>,
  admit: (header: SubmitOrderHeader) => void,
): Promise<OrderDraft> {
  let header: SubmitOrderHeader | undefined;
  const lines: SubmitOrderLine[] = [];
  for await (const { part } of parts) {
    if (part?.$case === 'line' && header) lines.push(part.value);
    else if (part?.$case === 'header' && !header) {
      header = part.value;
      admit(header);
    } else throw invalidArgument(misplaced(part?.$case, header));
    if (lines.length > MAX_LINES) throw invalidArgument(wrongCount(lines.length));
  }
  if (!header) throw invalidArgument({ field: 'header', description: 'is missing' });
  const violations = [...headerViolations(header), ...linesViolations(lines)];
  if (violations.length > 0) throw invalidArgument(...violations);
  return { header, lines };
}

function misplaced(part: 'header' | 'line' | undefined, header: SubmitOrderHeader | undefined): Violation {
  if (part === 'header') return { field: 'header', description: 'was sent twice' };
  if (part === 'line' && !header) return { field: 'header', description: 'must be the first message' };
  return { field: 'part', description: 'expected a header or a line' };
}

function wrongCount(count: number): Violation {
  return { field: 'lines', description: `expected 1 to ${MAX_LINES} lines, got ${count}` };
}

function headerViolations({ customerId, note, idempotencyKey }: SubmitOrderHeader): Violation[] {
  return [
    ...textViolations('header.customer_id', customerId, ID_BOUNDS),
    ...textViolations('header.note', note, { min: 0, max: MAX_NOTE }),
    ...(idempotencyKey ? keyViolations(idempotencyKey, 'header.idempotency_key') : []),
  ];
}

function linesViolations(lines: readonly SubmitOrderLine[]): Violation[] {
  if (lines.length === 0) return [wrongCount(0)];
  const ids = lines.map(({ productId }) => productId);
  return lines.flatMap(({ productId, quantity }, index) => {
    const path = `lines[${index}]`;
    const first = ids.indexOf(productId);
    return [
      ...textViolations(`${path}.product_id`, productId, ID_BOUNDS),
      ...(first < index
        ? [{ field: `${path}.product_id`, description: `is the product of lines[${first}]` }]
        : []),
      ...(quantity < 1 || quantity > MAX_QUANTITY
        ? [{ field: `${path}.quantity`, description: `expected 1 to ${MAX_QUANTITY}, got ${quantity}` }]
        : []),
    ];
  });
}
