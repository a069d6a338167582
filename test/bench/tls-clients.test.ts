import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PreparedRequest, postBytes } from '../../bench/harness/client.ts';
import { createFreshClient } from '../../bench/harness/fresh-client.ts';
import type { HttpAnswer } from '../../bench/harness/http-answer.ts';
import { createHttp2Client } from '../../bench/harness/http2-client.ts';
import { replaceUnderLoad } from '../../bench/harness/replace-run.ts';
import { type CertificateFiles, writeCertificate } from '../kit/certificate-files.ts';
import { openTinyGateway, type TinyGateway } from '../kit/tiny-gateway.ts';

let files: CertificateFiles;
let secured: TinyGateway;
let plain: TinyGateway;

beforeAll(async () => {
  files = await writeCertificate();
  const { certFile, keyFile } = files;
  secured = await openTinyGateway({ tls: { certFile, keyFile, reloadMs: 100 } });
  plain = await openTinyGateway({ server: { trustedProxies: ['127.0.0.1'] } });
});

afterAll(async () => {
  await secured[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

const body = { query: '{ fast }' };

function assertFast({ status, body: answer }: HttpAnswer): void {
  if (status !== 200 || answer.toString() !== '{"data":{"fast":"fast"}}') throw new Error('a wrong answer');
}

function prepare(url: URL, version: 1 | 2): PreparedRequest {
  const bytes = version === 1 ? postBytes(url, body) : Buffer.from(JSON.stringify(body));
  return { bytes, assertAnswer: assertFast };
}

describe('createHttp2Client()', () => {
  it.each(['over TLS', 'in plain text'])('loads %s, and fails when an answer is wrong', async (where) => {
    const url = new URL((where === 'over TLS' ? secured : plain).url);
    const client = await createHttp2Client(url, 12);
    const good = prepare(url, 2);
    expect((await client.load(() => good, 50)).length).toBeGreaterThanOrEqual(12);
    const wrong = { ...good, bytes: Buffer.from('{}') };
    await expect(client.load(() => wrong, 50)).rejects.toThrow('a wrong answer');
    client.close();
  });
});

describe('createFreshClient()', () => {
  it.each(['plain', 'full', 'resumed'] as const)(
    'opens a connection for each request: %s',
    async (opening) => {
      const url = new URL((opening === 'plain' ? plain : secured).url);
      const client = await createFreshClient(opening)(url, 2);
      const request = prepare(url, 1);
      expect((await client.load(() => request, 50)).length).toBeGreaterThanOrEqual(2);
      client.close();
    },
  );
});

describe('replaceUnderLoad()', () => {
  const run = () => ({ url: new URL(secured.url), files, prepare, signal: new AbortController().signal });

  it('replaces certificates without a failed request', async () => {
    const figures = await replaceUnderLoad(run(), 300);
    expect(figures).toMatchObject({ failedRequests: 0 });
    expect(figures.replacements).toBeGreaterThanOrEqual(1);
    expect(figures.requests).toBeGreaterThan(figures.connections);
  });

  it('counts requests that fail', async () => {
    const wrong: typeof prepare = (url, version) => ({
      ...prepare(url, version),
      assertAnswer: () => {
        throw new Error('a wrong answer');
      },
    });
    expect((await replaceUnderLoad({ ...run(), prepare: wrong }, 50)).failedRequests).toBeGreaterThan(0);
  });
});
