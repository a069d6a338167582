-- The lists of one user: its payments and its rooms, newest first. What they are sorted by stands in another table than whose
-- they are, and no index spans two; so one of the two is copied when the row is made. Neither ever changes: an order keeps its
-- customer, a room its time. The copy is the database's work, so that no writer can forget it or get it wrong.

ALTER TABLE payments ADD COLUMN customer_id text COLLATE "C" REFERENCES users;
UPDATE payments SET customer_id = orders.customer_id FROM orders WHERE orders.id = payments.order_id;
ALTER TABLE payments ALTER COLUMN customer_id SET NOT NULL;
CREATE INDEX payments_customer_newest ON payments (customer_id, create_time DESC, id DESC);

CREATE FUNCTION copy_customer_of_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.customer_id := (SELECT customer_id FROM orders WHERE id = NEW.order_id);
  RETURN NEW;
END
$$;
CREATE TRIGGER copy_customer BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION copy_customer_of_payment();

ALTER TABLE room_members ADD COLUMN room_create_time timestamptz;
UPDATE room_members SET room_create_time = rooms.create_time FROM rooms WHERE rooms.id = room_members.room_id;
ALTER TABLE room_members ALTER COLUMN room_create_time SET NOT NULL;
CREATE INDEX room_members_user_newest ON room_members (user_id, room_create_time DESC, room_id DESC);
-- The new one begins with its column.
DROP INDEX room_members_user;

CREATE FUNCTION copy_time_of_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.room_create_time := (SELECT create_time FROM rooms WHERE id = NEW.room_id);
  RETURN NEW;
END
$$;
CREATE TRIGGER copy_time BEFORE INSERT ON room_members FOR EACH ROW EXECUTE FUNCTION copy_time_of_room();
