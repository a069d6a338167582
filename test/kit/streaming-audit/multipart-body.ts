import { jsonFrom } from './event-stream.ts';

/** What has come of a multipart body (RFC 2046, section 5.1). */
export interface MultipartBody {
  /** Parts whose end is known, by the delimiter that follows them. */
  readonly parts: readonly BodyPart[];
  /** What follows the last delimiter. */
  readonly rest: string;
  /** Whether the closing delimiter has come. */
  readonly isClosed: boolean;
}

export interface BodyPart {
  /** Lines of the head, in lower case. */
  readonly head: readonly string[];
  /** Undefined for what is no JSON. */
  readonly json: unknown;
}

/** The parameter `boundary` of a content type; undefined without one. */
export function boundaryFrom(contentType: string | undefined): string | undefined {
  const [, quoted, token] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType ?? '') ?? [];
  return quoted ?? token;
}

/** Reads a body as far as it has come. */
export function multipartFrom(text: string, boundary: string): MultipartBody {
  const delimiter = `\r\n--${boundary}`;
  // The first delimiter may stand at the very start.
  const [, ...pieces] = `\r\n${text}`.replace(/^\r\n\r\n/, '\r\n').split(delimiter);
  const rest = pieces.pop() ?? '';
  return { parts: pieces.map(partFrom), rest, isClosed: rest.startsWith('--') };
}

function partFrom(piece: string): BodyPart {
  const end = piece.indexOf('\r\n\r\n');
  const head = piece.slice(0, Math.max(end, 0)).toLowerCase().split('\r\n');
  return { head: head.filter((line) => line.trim() !== ''), json: jsonFrom(piece.slice(end + 4)) };
}
