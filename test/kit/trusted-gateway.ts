import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayOptions, WeirConfig } from '../../src/index.ts';
import { openTinyGateway, type TinyGateway } from './tiny-gateway.ts';

/** A gateway that trusts documents. */
export interface TrustedGateway extends TinyGateway {
  /** Writes its manifest anew. */
  readonly write: (manifest: unknown) => Promise<void>;
  /** Of its manifest. */
  readonly path: string;
}

/** Environment of a gateway in production. */
export const production = { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'x'.repeat(32) };

/** A gateway in production that trusts the documents of `manifest`; see {@link openTinyGateway}. */
export async function openTrustedGateway(
  manifest: unknown,
  { documents, ...config }: Partial<WeirConfig> = {},
  options: GatewayOptions = { environment: production },
): Promise<TrustedGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-trusted-'));
  const path = join(folder, 'documents.json');
  const write = (content: unknown) =>
    writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  await write(manifest);
  const remove = () => rm(folder, { recursive: true });
  try {
    const tiny = await openTinyGateway(
      { documents: { manifests: [path], ...documents }, ...config },
      options,
    );
    const end = async () => {
      await tiny[Symbol.asyncDispose]();
      await remove();
    };
    return { ...tiny, write, path, [Symbol.asyncDispose]: end };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}
