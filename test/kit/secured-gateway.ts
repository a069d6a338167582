import { type CertificateFiles, writeCertificate } from './certificate-files.ts';
import { openTinyGateway, type TinyGateway } from './tiny-gateway.ts';

/** A tiny gateway over TLS, and the files of its certificate; all of it ends with the test's scope. */
export interface SecuredGateway extends AsyncDisposable {
  readonly tiny: TinyGateway;
  readonly files: CertificateFiles;
}

/** Opens one, which speaks HTTP/2 and HTTP/1.1. */
export async function openSecured(
  config: Parameters<typeof openTinyGateway>[0] = {},
): Promise<SecuredGateway> {
  const files = await writeCertificate();
  const { certFile, keyFile } = files;
  const tiny = await openTinyGateway({ ...config, tls: { certFile, keyFile, reloadMs: 100 } });
  return {
    tiny,
    files,
    [Symbol.asyncDispose]: async () => {
      await tiny[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}
