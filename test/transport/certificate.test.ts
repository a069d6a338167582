import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createCertificate, type KeyPair } from '../../src/transport/certificate.ts';
import { writeCertificate } from '../kit/certificate-files.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';
import { otherTestCertificate, testCertificate } from '../upstream/test-certificate.ts';

describe('createCertificate()', () => {
  it('follows its files, and keeps the old pair while the new one cannot be used', async () => {
    await using files = await writeCertificate();
    const used: KeyPair[] = [];
    const log = createCollectingLog();
    const { certFile, keyFile } = files;
    const use = (pair: KeyPair) => void used.push(pair);
    const certificate = createCertificate({
      files: { certFile, keyFile, reloadMs: 100 },
      clock: systemClock,
      log,
      use,
    });
    await certificate.load();
    expect(used.map(({ cert }) => cert)).toEqual([testCertificate.certificate]);
    await writeFile(certFile, otherTestCertificate.certificate); // its key is still the first one's
    while (log.lines.length === 0) await new Promise(setImmediate);
    expect(log.lines).toMatchObject([{ level: 'error' }]);
    expect(used).toHaveLength(1);
    await files.write(otherTestCertificate);
    while (used.length === 1) await new Promise(setImmediate);
    expect(used[1]).toEqual({ cert: otherTestCertificate.certificate, key: otherTestCertificate.privateKey });
    certificate.close();
  });

  it.each([
    ['an empty certificate', 'certFile', ''],
    ['half a certificate', 'certFile', testCertificate.certificate.slice(0, 200)],
    ['an empty key', 'keyFile', ''],
    ['half a key', 'keyFile', testCertificate.privateKey.slice(0, 60)],
  ] as const)('takes no file that is being written: %s', async (_what, half, text) => {
    await using files = await writeCertificate();
    const used: KeyPair[] = [];
    const log = createCollectingLog();
    const { certFile, keyFile } = files;
    const parts = { clock: systemClock, log, use: (pair: KeyPair) => void used.push(pair) };
    const certificate = createCertificate({ files: { certFile, keyFile, reloadMs: 100 }, ...parts });
    await certificate.load();
    await writeFile(files[half], text);
    while (log.lines.length === 0) await new Promise(setImmediate);
    expect(log.lines).toMatchObject([{ level: 'error' }]);
    expect(used).toHaveLength(1);
    certificate.close();
    const late = createCertificate({ files: { certFile, keyFile, reloadMs: 100 }, ...parts });
    await expect(late.load()).rejects.toThrow();
  });
});
