import type {
  GetSalesReportRequest,
  GetSalesReportResponse,
} from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import { OrderState } from '../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { CallContext } from './call-scope.ts';
import { moneyFromNanos } from './money.ts';
import { assertMay } from './ownership.ts';
import { invalidArgument } from './status.ts';
import type { Store } from './store.ts';

interface DayRow {
  readonly day: Date;
  readonly order_count: bigint;
  readonly currency_code: string;
  readonly revenue: bigint;
}

/** Longest time of one report. */
const MAX_DAYS = 92;
const DAY_MS = 86_400_000;

/** Every order of the time is read, by the index on when they were made. */
const TEXT = `SELECT date_trunc('day', create_time, 'UTC') AS day, count(*) AS order_count,
    min(currency_code) AS currency_code, sum(total_nanos)::bigint AS revenue
  FROM orders WHERE create_time >= $1 AND create_time < $2 AND state <> $3 GROUP BY 1 ORDER BY 1`;

/** @throws PERMISSION_DENIED without the scope, INVALID_ARGUMENT for a time that is none or too long. */
export async function getSalesReport(
  store: Store,
  { fromTime, toTime }: GetSalesReportRequest,
  { signal, caller }: CallContext,
): Promise<GetSalesReportResponse> {
  assertMay(caller, 'reports:read');
  const lengthMs = (toTime?.getTime() ?? 0) - (fromTime?.getTime() ?? 0);
  if (!fromTime || !toTime || !(lengthMs > 0 && lengthMs <= MAX_DAYS * DAY_MS)) {
    const description = `expected a moment after from_time, and at most ${MAX_DAYS} days after it`;
    throw invalidArgument({ field: 'to_time', description });
  }
  const values = [fromTime, toTime, OrderState.ORDER_STATE_CANCELLED];
  const rows = await store.query<DayRow>(TEXT, values, signal);
  return {
    days: rows.map((row) => ({
      day: row.day,
      orderCount: Number(row.order_count),
      revenue: moneyFromNanos(row.currency_code, row.revenue),
    })),
  };
}
