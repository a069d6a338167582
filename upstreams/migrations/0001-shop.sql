-- The reference shop. Ids are text and compared byte by byte, so that a keyset means the same on every machine.
-- Money is billionths of a unit in one bigint (units * 1e9 + nanos): exact, and ordered by an index.

CREATE TABLE products (
  id text COLLATE "C" PRIMARY KEY,
  sku text COLLATE "C" NOT NULL UNIQUE,
  title text NOT NULL,
  description text NOT NULL,
  category smallint NOT NULL,
  currency_code text NOT NULL,
  price_nanos bigint NOT NULL CHECK (price_nanos >= 0),
  stock integer NOT NULL CHECK (stock >= 0),
  image_urls text[] NOT NULL,
  rating_sum bigint NOT NULL DEFAULT 0,
  review_count integer NOT NULL DEFAULT 0,
  units_sold bigint NOT NULL DEFAULT 0,
  media_id bigint NOT NULL,
  create_time timestamptz NOT NULL
);
CREATE INDEX products_newest ON products (create_time DESC, id DESC);
CREATE INDEX products_price ON products (price_nanos, id);
CREATE INDEX products_bestselling ON products (units_sold DESC, id DESC);
CREATE INDEX products_category_newest ON products (category, create_time DESC, id DESC);
CREATE INDEX products_category_price ON products (category, price_nanos, id);
CREATE INDEX products_category_bestselling ON products (category, units_sold DESC, id DESC);

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY,
  display_name text NOT NULL,
  email text NOT NULL UNIQUE,
  avatar_url text NOT NULL,
  loyalty_tier smallint NOT NULL,
  biography text NOT NULL,
  revision bigint NOT NULL DEFAULT 1,
  create_time timestamptz NOT NULL
);

CREATE TABLE friendships (
  user_id text COLLATE "C" NOT NULL REFERENCES users,
  friend_id text COLLATE "C" NOT NULL REFERENCES users,
  create_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, friend_id),
  CHECK (user_id <> friend_id)
);

CREATE TABLE reviews (
  id text COLLATE "C" PRIMARY KEY,
  product_id text COLLATE "C" NOT NULL REFERENCES products,
  author_id text COLLATE "C" NOT NULL REFERENCES users,
  rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
  title text NOT NULL,
  body text NOT NULL,
  create_time timestamptz NOT NULL
);
CREATE INDEX reviews_product_newest ON reviews (product_id, create_time DESC, id DESC);

CREATE SEQUENCE order_numbers;
CREATE TABLE orders (
  id text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL REFERENCES users,
  state smallint NOT NULL,
  currency_code text NOT NULL,
  total_nanos bigint NOT NULL,
  payment_id text COLLATE "C" NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL
);
CREATE INDEX orders_newest ON orders (create_time DESC, id DESC);
CREATE INDEX orders_customer_newest ON orders (customer_id, create_time DESC, id DESC);
CREATE INDEX orders_state_newest ON orders (state, create_time DESC, id DESC);
CREATE INDEX orders_customer_state_newest ON orders (customer_id, state, create_time DESC, id DESC);

CREATE TABLE order_lines (
  order_id text COLLATE "C" NOT NULL REFERENCES orders,
  number integer NOT NULL,
  product_id text COLLATE "C" NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
  unit_price_nanos bigint NOT NULL,
  PRIMARY KEY (order_id, number)
);

CREATE SEQUENCE payment_numbers;
CREATE TABLE payments (
  id text COLLATE "C" PRIMARY KEY,
  order_id text COLLATE "C" NOT NULL REFERENCES orders,
  currency_code text NOT NULL,
  amount_nanos bigint NOT NULL,
  state smallint NOT NULL,
  -- {"card": {"brand": …, "lastFour": …}}, {"bankTransfer": …} or {"voucher": …}
  method jsonb NOT NULL,
  create_time timestamptz NOT NULL
);
-- An order is paid at most once (state 1 is captured).
CREATE UNIQUE INDEX payments_one_captured ON payments (order_id) WHERE state = 1;

CREATE TABLE rooms (
  id text COLLATE "C" PRIMARY KEY,
  title text NOT NULL,
  create_time timestamptz NOT NULL
);
CREATE TABLE room_members (
  room_id text COLLATE "C" NOT NULL REFERENCES rooms,
  user_id text COLLATE "C" NOT NULL REFERENCES users,
  PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_members_user ON room_members (user_id);

CREATE SEQUENCE message_numbers;
CREATE TABLE messages (
  id text COLLATE "C" PRIMARY KEY,
  room_id text COLLATE "C" NOT NULL REFERENCES rooms,
  author_id text COLLATE "C" NOT NULL REFERENCES users,
  text text NOT NULL,
  sequence bigint NOT NULL,
  create_time timestamptz NOT NULL,
  UNIQUE (room_id, sequence)
);

-- The log behind every Watch RPC. A row is written in the transaction of the change it tells of. The counter's row lock makes
-- the order of sequence numbers the order of commits, so a reader that has seen n never finds a smaller one later.
CREATE TABLE outbox_topics (
  -- 'orders', 'prices', 'room:<room id>'
  topic text COLLATE "C" PRIMARY KEY,
  last_sequence bigint NOT NULL
);
CREATE TABLE outbox (
  topic text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  -- What the event is of (order id, product id, message id) and whose it is (customer id; empty: nobody's).
  subject text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL DEFAULT '',
  payload jsonb NOT NULL,
  create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic, sequence)
);
CREATE INDEX outbox_subject ON outbox (topic, subject, sequence);
CREATE INDEX outbox_owner ON outbox (topic, owner, sequence);
CREATE INDEX outbox_age ON outbox (create_time);

-- The proof that a keyed RPC takes effect once: the row is written in the transaction of the effect and holds its reply.
CREATE TABLE idempotency_keys (
  method text COLLATE "C" NOT NULL,
  -- Whose key it is: the user on whose behalf the call is made.
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  reply bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (method, scope, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (create_time);
