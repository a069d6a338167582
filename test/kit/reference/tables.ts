import pg from 'pg';

/** The columns of each table as `pg` gives them: int8 as text, timestamptz as Date. */
export interface ProductRow {
  readonly id: string;
  readonly sku: string;
  readonly title: string;
  readonly description: string;
  readonly category: number;
  readonly currency_code: string;
  readonly price_nanos: string;
  readonly stock: number;
  readonly image_urls: readonly string[];
  readonly units_sold: string;
  readonly media_id: string;
  readonly create_time: Date;
}

export interface UserRow {
  readonly id: string;
  readonly display_name: string;
  readonly email: string;
  readonly revision: string;
  readonly avatar_url: string;
  readonly loyalty_tier: number;
  readonly biography: string;
  readonly create_time: Date;
}

export interface FriendshipRow {
  readonly user_id: string;
  readonly friend_id: string;
  readonly create_time: Date;
}

export interface ReviewRow {
  readonly id: string;
  readonly product_id: string;
  readonly author_id: string;
  readonly rating: number;
  readonly title: string;
  readonly body: string;
  readonly create_time: Date;
}

export interface OrderRow {
  readonly id: string;
  readonly customer_id: string;
  readonly state: number;
  readonly currency_code: string;
  readonly total_nanos: string;
  readonly payment_id: string;
  readonly note: string;
  readonly create_time: Date;
  readonly update_time: Date;
}

export interface OrderLineRow {
  readonly order_id: string;
  readonly number: number;
  readonly product_id: string;
  readonly quantity: number;
  readonly unit_price_nanos: string;
}

export interface PaymentRow {
  readonly id: string;
  readonly order_id: string;
  readonly currency_code: string;
  readonly amount_nanos: string;
  readonly state: number;
  readonly method: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly create_time: Date;
}

export interface RoomRow {
  readonly id: string;
  readonly title: string;
  readonly create_time: Date;
}

export interface RoomMemberRow {
  readonly room_id: string;
  readonly user_id: string;
}

export interface MessageRow {
  readonly id: string;
  readonly room_id: string;
  readonly author_id: string;
  readonly text: string;
  readonly sequence: string;
  readonly create_time: Date;
}

/** Everything that the shop's graph can show, as it lies in the tables, in no order. */
export interface Tables {
  readonly products: readonly ProductRow[];
  readonly users: readonly UserRow[];
  readonly friendships: readonly FriendshipRow[];
  readonly reviews: readonly ReviewRow[];
  readonly orders: readonly OrderRow[];
  readonly order_lines: readonly OrderLineRow[];
  readonly payments: readonly PaymentRow[];
  readonly rooms: readonly RoomRow[];
  readonly room_members: readonly RoomMemberRow[];
  readonly messages: readonly MessageRow[];
}

/** Reads every table whole, once. */
export async function readTables(databaseUrl: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const read = async <Row extends object>(table: string): Promise<Row[]> =>
    (await client.query<Row>(`SELECT * FROM ${table}`)).rows;
  try {
    return {
      products: await read<ProductRow>('products'),
      users: await read<UserRow>('users'),
      friendships: await read<FriendshipRow>('friendships'),
      reviews: await read<ReviewRow>('reviews'),
      orders: await read<OrderRow>('orders'),
      order_lines: await read<OrderLineRow>('order_lines'),
      payments: await read<PaymentRow>('payments'),
      rooms: await read<RoomRow>('rooms'),
      room_members: await read<RoomMemberRow>('room_members'),
      messages: await read<MessageRow>('messages'),
    };
  } finally {
    await client.end();
  }
}
