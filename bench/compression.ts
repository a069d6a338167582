import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { ordersScenario, weirProgram } from './orders.ts';

/** What a client asks for, and undoes. */
const decoders = {
  identity: (body: Buffer) => body,
  br: brotliDecompressSync,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
} as const;
const codings = Object.keys(decoders) as (keyof typeof decoders)[]; // as: the keys of the table above

/** What compression takes of the gateway's CPU, all threads, for an answer of about 20 kB. */
export const compression = ordersScenario(
  'a page of 20 orders as it is, and compressed by br, gzip and zstd',
  (upstream, options) => codings.map((coding) => weirProgram(coding, upstream, options)),
  {
    headersOf: (coding) => ({ 'accept-encoding': coding }),
    decode: (contestant, body) => {
      const coding = codings.find((name) => name === contestant);
      if (!coding) throw new Error(`no coding: ${contestant}`);
      return decoders[coding](body);
    },
  },
);
