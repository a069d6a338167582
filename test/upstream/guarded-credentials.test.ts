import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { callFor, failureOf, openUpstream, probe, serveProbe } from './probe.ts';
import { listenSilently } from './silent-server.ts';
import { testCertificate } from './test-certificate.ts';

const certificate = Buffer.from(testCertificate.certificate);
const privateKey = Buffer.from(testCertificate.privateKey);
const tls = () => credentials.createSsl(certificate);

describe('GuardedCredentials', () => {
  it('leaves a connection over TLS alone when its peer speaks', async () => {
    const peers = new Set<string>();
    const server = new Server();
    server.addService(probe, {
      unary: (call: { request: string; getPeer(): string }, reply: (error: null, answer: string) => void) => {
        peers.add(call.getPeer());
        setTimeout(reply, Number(call.request), null, 'x');
      },
    });
    const keys = [{ cert_chain: certificate, private_key: privateKey }];
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, keys), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    await using upstream = openUpstream(`localhost:${port}`, {
      credentials: tls(),
      channels: 1,
      connectTimeoutMs: 100,
    });
    // The second call runs past connectTimeoutMs on the same connection.
    for (const durationMs of ['1', '250', '1']) {
      expect(await upstream.unary(probe.unary, durationMs, callFor())).toBe('x');
    }
    expect(peers.size).toBe(1);
    server.forceShutdown();
  });

  it('drops a connection whose peer falls silent after the TLS handshake', async () => {
    const sockets = new Set<TLSSocket>();
    const server = createTlsServer(
      { cert: certificate, key: privateKey, ALPNProtocols: ['h2'] },
      (socket) => {
        sockets.add(socket);
        socket.on('error', () => {}).on('close', () => sockets.delete(socket));
        socket.resume();
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using upstream = openUpstream(`localhost:${(server.address() as AddressInfo).port}`, {
      credentials: tls(),
      channels: 1,
      connectTimeoutMs: 200,
    });
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    await upstream.close();
    await expect.poll(() => sockets.size).toBe(0);
    server.close();
  });

  it('refuses a certificate that it does not trust, as UPSTREAM_UNAVAILABLE', async () => {
    const server = createTlsServer(
      { cert: certificate, key: privateKey, ALPNProtocols: ['h2'] },
      (socket) => {
        socket.on('error', () => {});
      },
    ).listen(0, '127.0.0.1');
    server.on('tlsClientError', () => {});
    await once(server, 'listening');
    await using upstream = openUpstream(`localhost:${(server.address() as AddressInfo).port}`, {
      credentials: credentials.createSsl(),
    });
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    server.close();
  });

  it('tries a silent address again also when the channel had failed before, which hides that it connects', async () => {
    const gone = await listenSilently();
    const port = Number(gone.target.split(':')[1]);
    gone.server.close();
    await using service = await serveProbe({ unary: (_call, reply) => reply(null, 'back') });
    await using upstream = openUpstream(gone.target, { channels: 1, connectTimeoutMs: 200 });
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    expect(upstream.state().connectivity).toBe('failing');
    await using silent = await listenSilently(port);
    await once(silent.server, 'connection');
    silent.forwardTo(service.target);
    await expect.poll(() => upstream.state().connectivity, { timeout: 3_000 }).toBe('ready');
    expect(await upstream.unary(probe.unary, 'x', callFor())).toBe('back');
  });
});
