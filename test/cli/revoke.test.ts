import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { revoke } from '../../src/cli/revoke.ts';
import { freePort } from '../kit/redis.ts';

/** What stands in the place of an admin port: answers everything alike, and keeps what it was asked. */
async function serve(status: number, body: string) {
  const asked: {
    readonly path: string | undefined;
    readonly type: string | undefined;
    readonly body: string;
  }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    asked.push({ path: request.url, type: request.headers['content-type'], body: text });
    response.writeHead(status, { location: '/elsewhere' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // as: TCP
  return {
    admin: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('revoke()', () => {
  it('asks for what is named, and says what is refused until when', async () => {
    await using gateway = await serve(201, '{"atSeconds":1795448406,"untilSeconds":1795452066}');
    const said = await revoke({ subject: 'user-1', client: 'web', admin: gateway.admin });
    expect(said).toBe(
      'revoked subject user-1, client web: tokens issued up to 2026-11-23T15:40:06.000Z are refused (kept until 2026-11-23T16:41:06.000Z)',
    );
    expect(gateway.asked).toEqual([
      { path: '/revocations', type: 'application/json', body: '{"subject":"user-1","client":"web"}' },
    ]);
  });

  it.each([
    [400, '{"error":{"code":"BAD_REQUEST","message":"Too bad."}}', /answered 400: Too bad\.$/],
    [503, '{"error":{"code":"UPSTREAM_UNAVAILABLE","message":"Send it again."}}', /503: Send it again\.$/],
    [404, 'not found\n', /answered 404: no admin port of a gateway answers there$/],
    [302, '', /answered 302: no admin port/],
    [201, '<html>', /answered 201: no admin port/],
  ])('fails with what was answered: %d %s', async (status, body, message) => {
    await using gateway = await serve(status, body);
    await expect(revoke({ subject: 'user-1', admin: gateway.admin })).rejects.toThrow(message);
    expect(gateway.asked).toHaveLength(1);
  });

  it('fails where nobody answers, and says what to change', async () => {
    const admin = `http://127.0.0.1:${await freePort()}`;
    await expect(revoke({ tenant: 'north', admin })).rejects.toThrow(
      `revoke: ${admin} does not answer (ECONNREFUSED): expected --admin with the admin port of an instance`,
    );
  });

  it.each(['', 'localhost:4001', 'ftp://127.0.0.1', '/revocations'])('refuses --admin %j', async (admin) => {
    await expect(revoke({ subject: 'user-1', admin })).rejects.toThrow(/^--admin: expected a URL such as /);
  });

  it('refuses to revoke nothing', async () => {
    await expect(revoke({ admin: 'http://127.0.0.1:1' })).rejects.toThrow(
      'revoke: expected at least one of --subject, --tenant and --client',
    );
  });
});
