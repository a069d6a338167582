import type {
  BatchGetRoomsRequest,
  BatchGetRoomsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  Room,
} from '../upstream-protos/gen/shop/chat/v1/chat.ts';
import type { CallContext } from './call-scope.ts';
import { assertId, distinctIds } from './ids.ts';
import { type Owner, ownedBy, ownerFor } from './ownership.ts';
import { type PageList, type PageSource, planPage, readPage } from './page.ts';
import { type Bind, createParams } from './params.ts';
import { notFound } from './status.ts';
import type { Store } from './store.ts';

interface RoomRow {
  readonly id: string;
  readonly title: string;
  readonly create_time: Date;
  readonly member_ids: string[];
}

export const ROOM_TYPE = 'shop.chat.v1.Room';

const COLUMNS = ['id', 'title', 'create_time', memberIdsOf('rooms.id')];
// Of a membership. Its own columns sort and cut the page; a join would let Postgres start from the rooms, and read them all.
const COLUMNS_BY_MEMBER = [
  'room_id AS id',
  '(SELECT title FROM rooms WHERE id = room_id) AS title',
  'room_create_time AS create_time',
  memberIdsOf('room_members.room_id'),
];

/** The rooms of these ids that exist and that the caller may read, each once. */
export async function batchGetRooms(
  store: Store,
  { ids }: BatchGetRoomsRequest,
  { signal, caller }: CallContext,
): Promise<BatchGetRoomsResponse> {
  const { bind, values } = createParams();
  const conditions = [
    `id = ANY(${bind(distinctIds(ids))})`,
    ...withMember(ownerFor(caller, 'chat:read'), 'rooms.id', bind),
  ];
  const text = `SELECT ${COLUMNS.join(', ')} FROM rooms WHERE ${conditions.join(' AND ')}`;
  const rows = await store.query<RoomRow>(text, values, signal);
  return { rooms: rows.map(roomFromRow) };
}

/** One page of a member's rooms: empty when the caller may not read them. */
export async function listRooms(
  store: Store,
  { memberId, page }: ListRoomsRequest,
  { signal, caller }: CallContext,
): Promise<ListRoomsResponse> {
  assertId(memberId, 'member_id');
  const member = ownerFor(caller, 'chat:read', memberId);
  const list = roomList(member);
  const source: PageSource = {
    list,
    plan: planPage(list, page),
    from: 'room_members',
    columns: COLUMNS_BY_MEMBER,
    where: (bind) => ownedBy(member, 'user_id', bind),
  };
  const { rows, info } = await readPage<RoomRow>(store, source, signal);
  return { rooms: rows.map(roomFromRow), page: info };
}

/** Newest first, by the membership's copy of the room's time: the index of the member has it. */
function roomList(member: Owner): PageList {
  return {
    name: 'rooms',
    // Nobody's rooms are no rows, so no token is ever of them.
    scope: [member ?? ''],
    keys: [
      { column: 'room_create_time', type: 'timestamptz' },
      { column: 'room_id', type: 'text' },
    ],
    descending: true,
  };
}

/** The condition that a room has the user as its member: none for everybody, and nobody is a member. */
export function withMember(user: Owner, room: string, bind: Bind): string[] {
  if (user === undefined) return [];
  return [`EXISTS (SELECT FROM room_members WHERE room_id = ${room} AND user_id = ${bind(user)})`];
}

/** @throws NOT_FOUND when there is no such room, or its members alone may know of it. */
export async function assertRoom(
  store: Store,
  roomId: string,
  reader: Owner,
  signal: AbortSignal,
): Promise<void> {
  const { bind, values } = createParams();
  const conditions = [`id = ${bind(roomId)}`, ...withMember(reader, 'rooms.id', bind)];
  const found = await store.query(`SELECT FROM rooms WHERE ${conditions.join(' AND ')}`, values, signal);
  if (found.length === 0) throw notFound(ROOM_TYPE, roomId);
}

function memberIdsOf(room: string): string {
  return `ARRAY(SELECT m.user_id FROM room_members AS m WHERE m.room_id = ${room} ORDER BY m.user_id) AS member_ids`;
}

function roomFromRow({ id, title, create_time, member_ids }: RoomRow): Room {
  return { id, title, memberIds: member_ids, createTime: create_time };
}
