import { once } from 'node:events';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { boundSessions } from '../../src/transport/http2-sessions.ts';
import type { CertificateFiles } from '../kit/certificate-files.ts';
import { testEdgeSettings } from '../kit/edge-settings.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type Http2Client, openHttp2, trust } from '../kit/http2-client.ts';
import { openSecured, type SecuredGateway } from '../kit/secured-gateway.ts';
import { openTinyGateway, type TinyGateway } from '../kit/tiny-gateway.ts';
import { otherTestCertificate, testCertificate } from '../upstream/test-certificate.ts';
import { portOf } from './wire.ts';

const oneBook = '{ book(id: "Qm9vazo3") { title } }'; // Book:7
const replaced = 'the certificate was replaced';

type Config = NonNullable<Parameters<typeof openTinyGateway>[0]>;

interface Opened extends AsyncDisposable {
  readonly tiny: TinyGateway;
}

async function openPlain(config: Config = {}): Promise<Opened> {
  const server = { trustedProxies: ['127.0.0.1'], ...config.server };
  const tiny = await openTinyGateway({ ...config, server });
  return { tiny, [Symbol.asyncDispose]: () => tiny[Symbol.asyncDispose]() };
}

/** Calls of the service that wait until they are let go. */
function holdCalls({ service }: TinyGateway) {
  const held: (() => void)[] = [];
  service.behave('getBooks', (_call, reply) => {
    held.push(() => reply(null, { rows: [] } as never)); // as: the service's own types are not the test's
  });
  return held;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

function ping({ session }: Http2Client): Promise<void> {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error ? reject(error) : resolve()));
  });
}

const transports: readonly (readonly [string, (config?: Config) => Promise<Opened>])[] = [
  ['over TLS', openSecured],
  ['in plain text', openPlain],
];

describe.each(transports)('sessionBounds() %s', (_where, open) => {
  it.each([
    [2, 2],
    [3, 2],
    [100, 100],
    [101, 100],
  ])('67: of %d requests at one time lets in %d, and answers all', async (count, admitted) => {
    await using opened = await open({ server: { maxStreamsPerConnection: admitted } });
    await using client = await openHttp2(opened.tiny.url);
    await ping(client); // the settings are there
    const held = holdCalls(opened.tiny);
    const answers = Array.from({ length: count }, () => client.query(oneBook));
    await until(() => held.length >= admitted);
    await ping(client);
    expect(held).toHaveLength(admitted);
    await until(() => {
      for (const letGo of held.splice(0)) letGo();
      return opened.tiny.log.operations.length === count;
    });
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(count).fill(200));
  });

  it.each([
    [199, true],
    [200, true],
    [260, false],
  ])('62: a client that resets %d streams at once keeps its connection: %s', async (count, isKept) => {
    await using opened = await open();
    await using other = await openHttp2(opened.tiny.url);
    await using client = await openHttp2(opened.tiny.url);
    await ping(client);
    opened.tiny.service.behave('getBooks', () => {});
    const closed = new Promise((resolve) => client.session.once('close', resolve)); // past its error
    for (let n = 0; n < count && !client.session.destroyed; n += 1) {
      const stream = client.session.request({
        ':method': 'POST',
        ':path': '/graphql',
        'content-type': 'application/json',
      });
      stream.on('error', () => {});
      stream.end(JSON.stringify({ query: oneBook }));
      await new Promise(setImmediate); // it is on its way
      stream.close(8);
    }
    if (isKept) expect((await client.query('{ fast }')).status).toBe(200);
    else await closed;
    expect(client.session.destroyed).toBe(!isKept);
    expect((await other.query('{ fast }')).status).toBe(200);
  });
});

describe('boundSessions()', () => {
  it('ends a connection that had no request for so long, and not while there is one', async () => {
    const clock = createFakeClock();
    const server = createHttp2();
    boundSessions(server, { ...testEdgeSettings, keepAliveTimeoutMs: 1000 }, clock);
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using client = await openHttp2(`http://127.0.0.1:${portOf(server.address())}`);
    clock.advance(999);
    const stream = client.session.request({ ':path': '/' });
    stream.on('error', () => {});
    await once(stream, 'response');
    clock.advance(5000);
    await ping(client);
    expect(client.session.closed).toBe(false);
    stream.close(8);
    await ping(client);
    clock.advance(999);
    await ping(client);
    expect(client.session.closed).toBe(false);
    const closed = once(client.session, 'close');
    clock.advance(1);
    await closed;
    server.close();
  });
});

describe.each(transports)('close() of HTTP/2 %s', (_where, open) => {
  it('says that it goes, finishes what is in flight, and resolves', async () => {
    await using opened = await open();
    await using client = await openHttp2(opened.tiny.url);
    await using idle = await openHttp2(opened.tiny.url);
    const held = holdCalls(opened.tiny);
    const answers = Array.from({ length: 20 }, () => client.query(oneBook));
    await until(() => held.length === 20);
    const toldToGo = [client, idle].map(({ session }) => once(session, 'goaway'));
    const idleClosed = once(idle.session, 'close');
    const gone = opened.tiny.gateway.close();
    for (const [code] of await Promise.all(toldToGo)) expect(code).toBe(0);
    await idleClosed;
    for (const letGo of held) letGo();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    await gone;
    await expect(openHttp2(opened.tiny.url)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('cuts off what does not end by itself in time', async () => {
    await using opened = await open({ limits: { closeTimeoutMs: 100 } });
    await using client = await openHttp2(opened.tiny.url);
    const held = holdCalls(opened.tiny);
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    stream.on('error', () => {});
    stream.end(JSON.stringify({ query: oneBook }));
    await until(() => held.length === 1);
    const closed = once(stream, 'close');
    await opened.tiny.gateway.close();
    await closed;
  });
});

function openTls(url: string, version: SecureVersion, session?: Buffer): TLSSocket {
  const { hostname: host, port } = new URL(url);
  return connectTls({
    host,
    port: Number(port),
    ca: trust,
    minVersion: version,
    maxVersion: version,
    ...(session ? { session } : {}),
  });
}

async function replace(
  { files, tiny }: SecuredGateway,
  certificate: Parameters<CertificateFiles['write']>[0],
) {
  const count = () => tiny.log.lines.filter(({ message }) => message === replaced).length;
  const before = count();
  await files.write(certificate);
  await until(() => count() > before);
}

describe('a certificate that is replaced', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('leaves sessions of %s that are resumed', async (version) => {
    await using secured = await openSecured();
    const first = openTls(secured.tiny.url, version);
    const [[session]] = await Promise.all([once(first, 'session'), once(first, 'secureConnect')]);
    expect(first.isSessionReused()).toBe(false);
    first.destroy();
    await replace(secured, otherTestCertificate);
    const second = openTls(secured.tiny.url, version, session);
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    second.destroy();
    const fresh = openTls(secured.tiny.url, version);
    await once(fresh, 'secureConnect');
    expect(fresh.isSessionReused()).toBe(false);
    expect(fresh.getPeerX509Certificate()?.toString()).toBe(otherTestCertificate.certificate);
    fresh.destroy();
  });

  it('fails no request of clients that go on meanwhile', async () => {
    await using secured = await openSecured();
    const { url } = secured.tiny;
    await using lasting = await openHttp2(url);
    const seen = new Set<string>();
    let isOver = false;
    const statuses: number[] = [];
    const loop = async (ask: () => Promise<number>) => {
      while (!isOver) statuses.push(await ask());
    };
    const loops = [
      loop(async () => (await lasting.query('{ fast }')).status),
      ...Array.from({ length: 3 }, () =>
        loop(async () => {
          await using client = await openHttp2(url);
          return (await client.query('{ fast }')).status;
        }),
      ),
      ...Array.from({ length: 2 }, () => loop(() => askOnce(url, seen))),
    ];
    for (let round = 0; round < 6; round += 1) {
      await replace(secured, round % 2 === 0 ? otherTestCertificate : testCertificate);
      const asked = statuses.length;
      await until(() => statuses.length > asked + 20);
    }
    isOver = true;
    await Promise.all(loops);
    expect(statuses.length).toBeGreaterThan(120);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(seen).toEqual(new Set(trust));
  });
});

/** Over a connection of HTTP/1.1 of its own, whose certificate is noted. */
async function askOnce(url: string, seen: Set<string>): Promise<number> {
  const client = httpsRequest(url, {
    method: 'POST',
    ca: trust,
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  client.on('socket', (socket) =>
    // as: the socket of https
    socket.once('secureConnect', () => seen.add(String((socket as TLSSocket).getPeerX509Certificate()))),
  );
  client.end(JSON.stringify({ query: '{ fast }' }));
  const [response] = await once(client, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}
