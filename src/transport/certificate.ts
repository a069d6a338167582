import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { CancelTimer, Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';

/** Where a certificate is, and how often its files are looked at. */
export interface CertificateFiles {
  /** PEM: the certificate, then those that it was issued by. */
  readonly certFile: string;
  /** PEM, without a passphrase. */
  readonly keyFile: string;
  /** Milliseconds. */
  readonly reloadMs: number;
}

/** A certificate and its key in PEM; they fit each other. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What following a certificate needs. */
export interface CertificateParts {
  readonly files: CertificateFiles;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes the certificate at the start, and each that follows it. */
  readonly use: (pair: KeyPair) => void;
}

/** A certificate that follows its files. */
export interface Certificate {
  /** Reads it for the first time, and follows it from then on; rejects when it cannot be used. */
  readonly load: () => Promise<void>;
  readonly close: () => void;
}

/**
 * A certificate that is replaced by writing its files anew. Files are read as often as `reloadMs`, since a watch misses what
 * a mounted secret does (it swaps links). What cannot be used, or is only half written, is logged once and the old one
 * stays.
 */
export function createCertificate({ files, clock, log, use }: CertificateParts): Certificate {
  let used = '';
  let refused = '';
  let isClosed = false;
  let cancelTimer: CancelTimer | undefined;

  const take = async () => {
    const pair = await readPair(files);
    const text = pair.cert + pair.key;
    if (text === used || text === refused) return;
    try {
      assertUsable(pair);
    } catch (error) {
      refused = text;
      throw error;
    }
    use(pair);
    const isNew = used !== '';
    used = text;
    refused = '';
    if (isNew) log.info({ certFile: files.certFile }, 'the certificate was replaced');
  };
  let isMissing = false;
  const reload = async () => {
    try {
      await take();
      isMissing = false;
    } catch (err) {
      // A file that is away is said once, not every few seconds.
      if (!isMissing)
        log.error({ err, ...files }, 'the certificate could not be replaced; the old one is used');
      isMissing = isReadFault(err);
    }
    follow();
  };
  const follow = () => {
    if (!isClosed) cancelTimer = clock.after(files.reloadMs, () => void reload());
  };
  return {
    load: async () => {
      await take();
      follow();
    },
    close: () => {
      isClosed = true;
      cancelTimer?.();
    },
  };
}

async function readPair({ certFile, keyFile }: CertificateFiles): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { cert, key };
}

/** Throws for what no handshake would succeed with. */
function assertUsable({ cert, key }: KeyPair): void {
  createSecureContext({ cert, key });
  // It takes an empty text for none, as a file is while it is written: every handshake would fail until it is read again.
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return;
  throw new Error('expected the key of the certificate, got another');
}

function isReadFault(fault: unknown): boolean {
  return fault instanceof Error && 'syscall' in fault;
}
