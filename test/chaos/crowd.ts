import { intBetween, pickOne, pickWeighted, type Random } from '../../seed/random.ts';
import { encodeNodeId } from '../../src/index.ts';
import type { Store } from '../../upstreams/store.ts';
import type { Operation } from './http-client.ts';
import { type Asker, markOf } from './watermarks.ts';

/** A user all of whose data is marked. */
export interface Member {
  /** From 1. */
  readonly owner: number;
  readonly userId: string;
  /** Global ids of what is the member's, the room's first. */
  readonly nodeIds: readonly string[];
  readonly roomId: string;
}

/** One operation of one of them. */
export interface Drawn extends Asker, Operation {}

/** Marks everything of the `count` users who have paid most often, and gives each a room of their own. */
export async function markMembers(store: Store, count: number): Promise<readonly Member[]> {
  const users = await store.query<{ customer_id: string }>(
    'SELECT customer_id FROM payments GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT $1',
    [count],
  );
  await store.query('DELETE FROM room_members WHERE user_id = ANY($1)', [
    users.map(({ customer_id: id }) => id),
  ]);
  return Promise.all(users.map(({ customer_id: id }, index) => markMember(store, id, index + 1)));
}

async function markMember(store: Store, userId: string, owner: number): Promise<Member> {
  const mark = (kind: string) => markOf(owner, kind);
  const roomId = `room-of-${owner}`;
  const email = `${mark('email')}@shop.example`;
  await store.query('UPDATE users SET display_name = $2, biography = $3, email = $4 WHERE id = $1', [
    userId,
    mark('name'),
    mark('biography'),
    email,
  ]);
  await store.query('INSERT INTO rooms (id, title, create_time) VALUES ($1, $2, now())', [
    roomId,
    mark('title'),
  ]);
  await store.query('INSERT INTO room_members (room_id, user_id) VALUES ($1, $2)', [roomId, userId]);
  const orders = await store.query<{ id: string }>(
    'UPDATE orders SET note = $2 WHERE customer_id = $1 RETURNING id',
    [userId, mark('note')],
  );
  const payments = await store.query<{ id: string }>(
    'UPDATE payments SET method = $2 WHERE customer_id = $1 RETURNING id',
    [userId, JSON.stringify({ voucher: { code: mark('voucher') } })],
  );
  const idsOf = (typename: string, rows: readonly { readonly id: string }[]) =>
    rows.slice(0, 5).map(({ id }) => encodeNodeId(typename, id));
  const room = encodeNodeId('Room', roomId);
  const nodeIds = [
    room,
    encodeNodeId('User', userId),
    ...idsOf('Order', orders),
    ...idsOf('Payment', payments),
  ];
  return { owner, userId, nodeIds, roomId: room };
}

const nodeFields = `__typename
  ... on User { displayName email }
  ... on Order { note customer { displayName email } }
  ... on Room { title messages(last: 2) { edges { node { text } } } }
  ... on Payment { method { ... on VoucherPayment { code } } }`;

const documents = {
  profile: '{ viewer { user { displayName biography email } } }',
  orders: '{ viewer { orders(first: 2) { edges { node { note customer { displayName } } } } } }',
  rooms: `{ viewer { rooms(first: 2) { edges { node { title
    messages(last: 2) { edges { node { text author { displayName } } } } } } } } }`,
  payments:
    '{ viewer { payments(first: 2) { edges { node { method { ... on VoucherPayment { code } } } } } } }',
  node: `query ($id: ID!) { node(id: $id) { ${nodeFields} } }`,
  nodes: `query ($ids: [ID!]!) { nodes(ids: $ids) { ${nodeFields} } }`,
  garbage:
    'query ($cursor: String!) { viewer { orders(after: $cursor) { edges { cursor } } user { email } } }',
  send: `mutation ($room: ID!, $text: String!) {
    sendMessage(input: { room: $room, text: $text }) { message { text author { displayName email } } } }`,
  update: `mutation ($biography: String!) {
    updateProfile(input: { biography: $biography }) { user { displayName biography email } } }`,
} as const satisfies Readonly<Record<string, string>>;

const weights: readonly (readonly [keyof typeof documents, number])[] = [
  ['profile', 20],
  ['orders', 12],
  ['rooms', 12],
  ['payments', 10],
  ['node', 20],
  ['nodes', 8],
  ['garbage', 3],
  ['send', 8],
  ['update', 7],
];

/** How many of all are asked without a token. */
const anonymousShare = 0.04;

/** Any operation of any member, about what is theirs or what is another's; `serial` goes into what it writes. */
export function drawOperation(random: Random, members: readonly Member[], serial: number): Drawn {
  const member = pickOne(random, members);
  const owner = random() < anonymousShare ? 0 : member.owner;
  const kind = pickWeighted(random, weights);
  const targets = Array.from({ length: intBetween(random, 2, 4) }, () => pickOne(random, members));
  const ids = targets.map(({ nodeIds }) => pickOne(random, nodeIds));
  const [target = member] = targets;
  const [id] = ids;
  const room = random() < 0.2 ? target.roomId : member.roomId;
  const variables = {
    profile: {},
    orders: {},
    rooms: {},
    payments: {},
    node: { id },
    nodes: { ids },
    garbage: { cursor: markOf(owner, 'cursor', serial) },
    send: { room, text: markOf(owner, 'message', serial) },
    update: { biography: markOf(owner, 'biography', serial) },
  } as const satisfies Record<keyof typeof documents, object>;
  const asked = { node: [target], nodes: targets }[kind as 'node' | 'nodes'] ?? []; // as: absent for the others
  return {
    owner,
    profilesOf: new Set(asked.map((one) => one.owner)),
    query: documents[kind],
    variables: variables[kind],
  };
}
