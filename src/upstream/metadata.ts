import { Metadata } from '@grpc/grpc-js';

/** What of a call goes into its metadata. */
export interface MetadataSource {
  readonly requestId: string;
  /** W3C Trace Context. */
  readonly traceparent?: string | undefined;
  /** Allow-listed by the caller. A key that ends in `-bin` carries any text (sent as UTF-8); others printable ASCII. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const maxValueBytes = 4_096;
/** The size that the gRPC guide on metadata calls safe everywhere; keys and values together. */
const maxTotalBytes = 8_192;

/** gRPC over HTTP/2: Header-Name and ASCII-Value. */
const keyPattern = /^[0-9a-z_.-]{1,64}$/;
const valuePattern = /^[\x20-\x7e]*$/;

/** Names that HTTP/2 (RFC 9113 section 8.2.2) or gRPC keep for themselves: Node throws on some, others break the call. */
const reservedKey =
  /^(grpc-.*|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings|host|te|content-type|content-length|user-agent)$/;

/**
 * The metadata of a call, or, as a string, the sentence that says which key cannot be sent. It never quotes a value.
 * Bounds: a value 4,096 bytes, all together 8,192.
 */
export function metadataFrom(source: MetadataSource): Metadata | string {
  const metadata = new Metadata();
  let totalBytes = 0;
  const put = (key: string, value: string): string | undefined => {
    const fault = faultOf(key, value);
    if (fault !== undefined) return fault;
    const encoded = key.endsWith('-bin') ? Buffer.from(value, 'utf8') : value;
    totalBytes += key.length + encoded.length;
    if (totalBytes > maxTotalBytes) return `The metadata is larger than ${maxTotalBytes} bytes, at "${key}".`;
    metadata.set(key, encoded);
    return undefined;
  };
  const fault =
    put('x-request-id', source.requestId) ??
    (source.traceparent === undefined ? undefined : put('traceparent', source.traceparent));
  if (fault !== undefined) return fault;
  for (const key in source.metadata) {
    const value = Object.hasOwn(source.metadata, key) ? source.metadata[key] : undefined;
    const faultHere = value === undefined ? undefined : put(key, value);
    if (faultHere !== undefined) return faultHere;
  }
  return metadata;
}

function faultOf(key: string, value: string): string | undefined {
  if (!keyPattern.test(key) || reservedKey.test(key))
    return `The metadata key ${JSON.stringify(key)} may not be sent.`;
  if (Buffer.byteLength(value) > maxValueBytes)
    return `The metadata value of "${key}" is larger than ${maxValueBytes} bytes.`;
  // A line break would start another header; other bytes are lost or refused on the way.
  if (!key.endsWith('-bin') && !valuePattern.test(value))
    return `The metadata value of "${key}" is not printable ASCII.`;
  return undefined;
}
