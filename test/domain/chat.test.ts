import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Message,
  ChatServiceService as methods,
  type SendMessageRequest,
} from '../../upstream-protos/gen/shop/chat/v1/chat.ts';
import { PageDirection, type PageRequest } from '../../upstream-protos/gen/shop/common/v1/page.ts';
import { ask, openServices, type Services } from './services.ts';
import { refusal } from './upstream-fixture.ts';

const { PAGE_DIRECTION_FORWARD, PAGE_DIRECTION_BACKWARD } = PageDirection;

let services: Services;
let rooms = 0;
beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  expect(services.logs).toEqual([]);
  await services.close();
});

const send = (request: Partial<SendMessageRequest>) => {
  const whole = { roomId: '', authorId: 'user-1', text: 'Hello.', idempotencyKey: '', ...request };
  return ask(services.client, methods.sendMessage, whole).then(({ message }) => message);
};

function list(roomId: string, page: Partial<PageRequest> = {}) {
  const whole = {
    pageSize: 0,
    afterToken: '',
    beforeToken: '',
    direction: PAGE_DIRECTION_FORWARD,
    skip: 0,
    ...page,
  };
  return ask(services.client, methods.listMessages, { roomId, page: whole });
}

/** An empty room of user-1 and user-2. */
async function newRoom(): Promise<string> {
  rooms++;
  const id = `room-test-${rooms}`;
  await services.store.query('INSERT INTO rooms VALUES ($1, $2, now())', [id, 'A test']);
  await services.store.query(`INSERT INTO room_members SELECT $1, unnest('{user-2,user-1}'::text[])`, [id]);
  return id;
}

async function messagesInTable(roomId: string): Promise<Pick<Message, 'id' | 'sequence'>[]> {
  return services.store.query('SELECT id, sequence FROM messages WHERE room_id = $1 ORDER BY sequence', [
    roomId,
  ]);
}

describe('batchGetRooms()', () => {
  it('gives the rooms that exist with their members', async () => {
    const id = await newRoom();
    const { rooms: found } = await ask(services.client, methods.batchGetRooms, {
      ids: [id, 'room-0', 'room-1'],
    });
    expect(found.map((room) => room.id).toSorted()).toEqual(['room-1', id]);
    const room = found.find((each) => each.id === id);
    expect(room).toMatchObject({
      title: 'A test',
      memberIds: ['user-1', 'user-2'],
      createTime: expect.any(Date),
    });
    expect(found.find((each) => each.id === 'room-1')?.memberIds).toContain('user-1');
  });

  it.each([0, 501])('refuses %i ids', async (count) => {
    const ids = Array.from({ length: count }, (_, i) => `room-${i}`);
    const refused = await refusal(ask(services.client, methods.batchGetRooms, { ids }));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['ids'] });
  });
});

describe('listMessages()', () => {
  it.each([
    ['forward', PAGE_DIRECTION_FORWARD],
    ['backward', PAGE_DIRECTION_BACKWARD],
  ])('walks the busiest room %s, oldest first in each page', async (_, direction) => {
    const expected = await messagesInTable('room-1');
    const pages: Message[][] = [];
    for (let token = '', more = true; more; ) {
      const bound = direction === PAGE_DIRECTION_FORWARD ? { afterToken: token } : { beforeToken: token };
      const { messages, page } = await list('room-1', { pageSize: 97, direction, ...bound });
      pages.push(messages);
      token = page?.nextPageToken ?? '';
      more = token !== '';
    }
    const walked = direction === PAGE_DIRECTION_FORWARD ? pages : pages.toReversed();
    expect(walked.flat().map(({ id, sequence }) => ({ id, sequence }))).toEqual(expected);
    expect(expected.length).toBeGreaterThan(1_000);
  });

  it('answers an empty page for a room without messages, NOT_FOUND for no room', async () => {
    const { messages, page } = await list(await newRoom());
    expect(messages).toEqual([]);
    expect(page).toEqual({ rowTokens: [], hasBefore: false, hasAfter: false, nextPageToken: '' });
    const refused = await refusal(list('room-0'));
    expect(refused).toMatchObject({ code: 'NOT_FOUND', resource: 'room-0' });
  });

  it('refuses a token of another room', async () => {
    const { page } = await list('room-1', { pageSize: 1 });
    const refused = await refusal(list('room-2', { afterToken: page?.rowTokens[0] ?? '' }));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['page.after_token'] });
  });
});

describe('sendMessage()', () => {
  let roomId = '';
  beforeEach(async () => {
    roomId = await newRoom();
  });

  it('stores the message and its event in one transaction, with one sequence and one time', async () => {
    const message = await send({ roomId, text: 'Grüezi 🌊' });
    expect(message).toMatchObject({ roomId, authorId: 'user-1', text: 'Grüezi 🌊', sequence: 1n });
    const { messages } = await list(roomId);
    expect(messages).toEqual([message]);
    const rows = await services.store.query(
      `SELECT m.id = o.subject AND m.sequence = o.sequence AND m.create_time = o.create_time AND m.xmin = o.xmin AS same
       FROM messages m JOIN outbox o ON o.topic = 'room:' || m.room_id WHERE m.room_id = $1`,
      [roomId],
    );
    expect(rows).toEqual([{ same: true }]);
  });

  it('goes on where the seed ended', async () => {
    const last = (await messagesInTable('room-1')).at(-1)?.sequence ?? 0n;
    expect((await send({ roomId: 'room-1' }))?.sequence).toBe(last + 1n);
  });

  it('numbers 100 messages of 8 authors at once without a gap, refusals between them', async () => {
    const sent = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => send({ roomId, authorId: `user-${(i % 8) + 1}` })),
    );
    // Two of the eight are members.
    expect(sent.filter((outcome) => outcome.status === 'fulfilled').length).toBe(26);
    const sequences = (await messagesInTable(roomId)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 26 }, (_, i) => BigInt(i + 1)));
  });

  it('refuses who is not a member, and stores nothing', async () => {
    const refused = await refusal(send({ roomId, authorId: 'user-3' }));
    expect(refused).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'NOT_A_MEMBER' });
    expect(await messagesInTable(roomId)).toEqual([]);
  });

  it('answers NOT_FOUND when there is no such room', async () => {
    const refused = await refusal(send({ roomId: 'room-0' }));
    expect(refused).toMatchObject({ code: 'NOT_FOUND', resource: 'room-0' });
  });

  it.each([
    [0, 'refused'],
    [1, 'stored'],
    [1_999, 'stored'],
    [2_000, 'stored'],
    [2_001, 'refused'],
    [100_000, 'refused'],
  ])('a text of %i characters is %s', async (length, outcome) => {
    const sent = send({ roomId, text: '🌊'.repeat(length) });
    if (outcome === 'stored') return expect((await sent)?.sequence).toBe(1n);
    expect(await refusal(sent)).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['text'] });
  });

  it('refuses every fault at once', async () => {
    const refused = await refusal(send({ roomId, text: '\0', idempotencyKey: 'short' }));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['text', 'idempotency_key'] });
  });

  it('stores once for each key and author', async () => {
    const request = { roomId, idempotencyKey: 'message-key-00001' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await messagesInTable(roomId)).length).toBe(1);
    expect((await refusal(send({ ...request, text: 'Other.' }))).reason).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await send({ ...request, authorId: 'user-2' }))?.sequence).toBe(2n);
  });
});
