import type {
  BatchGetPaymentsRequest,
  BatchGetPaymentsResponse,
  ListPaymentsRequest,
  ListPaymentsResponse,
} from '../upstream-protos/gen/shop/payments/v1/payments.ts';
import type { CallContext } from './call-scope.ts';
import { assertId, distinctIds } from './ids.ts';
import { type Owner, ownedBy, ownerFor } from './ownership.ts';
import { type PageList, type PageSource, planPage, readPage } from './page.ts';
import { createParams } from './params.ts';
import { PAYMENT_COLUMNS, type PaymentRow, paymentFromRow } from './payment-rows.ts';
import type { Store } from './store.ts';

/** The payments of these ids that exist and that the caller may see, each once. */
export async function batchGetPayments(
  store: Store,
  { ids }: BatchGetPaymentsRequest,
  { signal, caller }: CallContext,
): Promise<BatchGetPaymentsResponse> {
  const { bind, values } = createParams();
  const conditions = [
    `id = ANY(${bind(distinctIds(ids))})`,
    ...ownedBy(ownerFor(caller, 'payments:read'), 'customer_id', bind),
  ];
  const text = `SELECT ${PAYMENT_COLUMNS.join(', ')} FROM payments WHERE ${conditions.join(' AND ')}`;
  const rows = await store.query<PaymentRow>(text, values, signal);
  return { payments: rows.map(paymentFromRow) };
}

/** One page of the payments for a customer's orders: empty when the caller may not see them. */
export async function listPayments(
  store: Store,
  { customerId, page }: ListPaymentsRequest,
  { signal, caller }: CallContext,
): Promise<ListPaymentsResponse> {
  assertId(customerId, 'customer_id');
  const owner = ownerFor(caller, 'payments:read', customerId);
  const list = paymentList(owner);
  const source: PageSource = {
    list,
    plan: planPage(list, page),
    from: 'payments',
    columns: PAYMENT_COLUMNS,
    where: (bind) => ownedBy(owner, 'customer_id', bind),
  };
  const { rows, info } = await readPage<PaymentRow>(store, source, signal);
  return { payments: rows.map(paymentFromRow), page: info };
}

/** Newest first. */
function paymentList(owner: Owner): PageList {
  return {
    name: 'payments',
    // Nobody's payments are no rows, so no token is ever of them.
    scope: [owner ?? ''],
    keys: [
      { column: 'create_time', type: 'timestamptz' },
      { column: 'id', type: 'text' },
    ],
    descending: true,
  };
}
