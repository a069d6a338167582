import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type otherTestCertificate, testCertificate } from '../upstream/test-certificate.ts';

/** A certificate as PEM. */
export type TestCertificate = typeof testCertificate | typeof otherTestCertificate;

/** A certificate in files of a folder of its own, which goes with the test's scope. */
export interface CertificateFiles extends AsyncDisposable {
  readonly certFile: string;
  readonly keyFile: string;
  readonly write: (certificate: TestCertificate) => Promise<void>;
}

export async function writeCertificate(): Promise<CertificateFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-tls-'));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const write = async ({ certificate, privateKey }: TestCertificate) => {
    await writeFile(certFile, certificate);
    await writeFile(keyFile, privateKey);
  };
  await write(testCertificate);
  return {
    certFile,
    keyFile,
    write,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
