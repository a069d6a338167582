interface ErrorFact {
  /** HTTP status of the answer when the whole operation ends with this code. */
  readonly httpStatus: number;
  /** Whether the same operation, sent again unchanged, may succeed. Mutations: only with an idempotency key. */
  readonly retryable: boolean;
  /** What a client reads when nothing more exact is safe to say. */
  readonly message: string;
}

/**
 * The closed list of `extensions.code` values. Every refusal and every fault that leaves Weir, on any transport,
 * carries one of them; docs/errors.md is the same table for people.
 * Sources: google.rpc.Code for the HTTP pairs, RFC 9110 section 15, GraphQL over HTTP for the request errors.
 */
export const errorTable = {
  GRAPHQL_PARSE_FAILED: { httpStatus: 400, retryable: false, message: 'The document is not valid GraphQL.' },
  GRAPHQL_VALIDATION_FAILED: {
    httpStatus: 400,
    retryable: false,
    message: 'The document does not fit the schema.',
  },
  BAD_REQUEST: { httpStatus: 400, retryable: false, message: 'The request is malformed.' },
  BATCHING_DISABLED: {
    httpStatus: 400,
    retryable: false,
    message: 'Expected one operation in a request, got a list.',
  },
  BAD_USER_INPUT: { httpStatus: 400, retryable: false, message: 'An input value is not acceptable.' },
  INVALID_CURSOR: {
    httpStatus: 400,
    retryable: false,
    message: 'The cursor is not one that this field gave.',
  },
  PAGE_SIZE: { httpStatus: 400, retryable: false, message: 'The page arguments are not acceptable.' },
  FAILED_PRECONDITION: {
    httpStatus: 400,
    retryable: false,
    message: 'The current state does not allow this.',
  },
  TOKEN_LIMIT: { httpStatus: 400, retryable: false, message: 'The document has too many tokens.' },
  DEPTH_LIMIT: { httpStatus: 400, retryable: false, message: 'The selections are nested too deep.' },
  LITERAL_DEPTH: { httpStatus: 400, retryable: false, message: 'The input values are nested too deep.' },
  ALIAS_LIMIT: { httpStatus: 400, retryable: false, message: 'The document has too many aliases.' },
  ROOT_FIELD_LIMIT: { httpStatus: 400, retryable: false, message: 'The operation has too many root fields.' },
  DIRECTIVE_LIMIT: { httpStatus: 400, retryable: false, message: 'The document has too many directives.' },
  FRAGMENT_LIMIT: { httpStatus: 400, retryable: false, message: 'The document has too many fragments.' },
  VARIABLE_LIMIT: { httpStatus: 400, retryable: false, message: 'The variables are too many or too large.' },
  LIST_ARG_LIMIT: { httpStatus: 400, retryable: false, message: 'An input list is too long.' },
  TOO_MANY_ERRORS: { httpStatus: 400, retryable: false, message: 'There were more errors than are told.' },
  IDEMPOTENCY_KEY_REQUIRED: {
    httpStatus: 400,
    retryable: false,
    message: 'This mutation is only done with an idempotency key.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    httpStatus: 400,
    retryable: false,
    message: 'The idempotency key is not acceptable.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    httpStatus: 400,
    retryable: false,
    // Clients of Apollo's protocol look for this text, and send theirs from then on.
    message: 'PersistedQueryNotSupported',
  },
  UNAUTHENTICATED: { httpStatus: 401, retryable: false, message: 'Valid credentials are required.' },
  FORBIDDEN: { httpStatus: 403, retryable: false, message: 'You are not allowed to do this.' },
  DOCUMENT_NOT_TRUSTED: {
    httpStatus: 403,
    retryable: false,
    message: 'Only documents that are known here are run: send the id of one.',
  },
  DOCUMENT_NOT_FOUND: { httpStatus: 404, retryable: false, message: 'No document is known by this id.' },
  PERSISTED_QUERY_NOT_FOUND: {
    httpStatus: 404,
    retryable: false,
    // Clients of Apollo's protocol look for this text, and send theirs along the next time.
    message: 'PersistedQueryNotFound',
  },
  NOT_FOUND: { httpStatus: 404, retryable: false, message: 'There is no such object.' },
  METHOD_NOT_ALLOWED: { httpStatus: 405, retryable: false, message: 'The HTTP method does not fit here.' },
  NOT_ACCEPTABLE: { httpStatus: 406, retryable: false, message: 'No answer fits what the client accepts.' },
  ALREADY_EXISTS: { httpStatus: 409, retryable: false, message: 'The object exists already.' },
  CONFLICT: { httpStatus: 409, retryable: true, message: 'A concurrent change was in the way; start over.' },
  IDEMPOTENCY_CONCURRENT_REQUEST: {
    httpStatus: 409,
    retryable: true,
    message: 'The same operation with the same idempotency key is under way; wait and send it again.',
  },
  IDEMPOTENCY_ANSWER_TOO_LARGE: {
    httpStatus: 409,
    retryable: false,
    message: 'The operation was done under this idempotency key, and its answer was too large to be kept.',
  },
  OUTCOME_UNKNOWN: {
    httpStatus: 409,
    retryable: false,
    message: 'The operation may have been done under this idempotency key; look before you ask for it anew.',
  },
  PAYLOAD_TOO_LARGE: { httpStatus: 413, retryable: false, message: 'The request body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: {
    httpStatus: 415,
    retryable: false,
    message: 'The request body has a form that is not served.',
  },
  COST_LIMIT_EXCEEDED: {
    httpStatus: 422,
    retryable: false,
    message: 'The operation costs more than it may ever.',
  },
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH: {
    httpStatus: 422,
    retryable: false,
    message: 'The idempotency key stands for another operation.',
  },
  RATE_LIMITED: { httpStatus: 429, retryable: true, message: 'Too many requests; wait and try again.' },
  HEADERS_TOO_LARGE: { httpStatus: 431, retryable: false, message: 'The request has too many headers.' },
  CANCELLED: { httpStatus: 499, retryable: true, message: 'The operation was cancelled.' },
  INTERNAL_SERVER_ERROR: { httpStatus: 500, retryable: false, message: 'Something went wrong on our side.' },
  UPSTREAM_UNAVAILABLE: {
    httpStatus: 503,
    retryable: true,
    message: 'A service behind this field is unavailable.',
  },
  OVERLOADED: { httpStatus: 503, retryable: true, message: 'The server is too busy; try again shortly.' },
  UPSTREAM_TIMEOUT: {
    httpStatus: 504,
    retryable: true,
    message: 'A service behind this field took too long.',
  },
} as const satisfies Readonly<Record<string, ErrorFact>>;

/** One `extensions.code` of {@link errorTable}. */
export type ErrorCode = keyof typeof errorTable;

/** What an error may carry besides its code. */
export interface WeirErrorOptions {
  /** Public sentence: what was expected, what came, where to change it. Default: the table's message. */
  readonly message?: string;
  /** Public, JSON-safe members of `extensions` beside `code` (for example `fieldViolations`, `retryAfterMs`). */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Private origin: for the log, never for a client. */
  readonly cause?: unknown;
}

/** The one error class of Weir: its code and message are public, its cause is private. */
export class WeirError extends Error {
  override readonly name = 'WeirError';
  readonly code: ErrorCode;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: WeirErrorOptions = {}) {
    super(
      options.message ?? errorTable[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.extensions = options.extensions ?? {};
  }

  /**
   * Converts anything thrown into a WeirError, once, at a border: a WeirError stays as it is, an abort becomes
   * `CANCELLED`, a `TimeoutError` becomes `UPSTREAM_TIMEOUT`, all else is masked as `INTERNAL_SERVER_ERROR`.
   * The original is kept as `cause`.
   */
  static from(thrown: unknown): WeirError {
    if (thrown instanceof WeirError) return thrown;
    const code = thrown instanceof Error ? codeByErrorName.get(thrown.name) : undefined;
    return new WeirError(code ?? 'INTERNAL_SERVER_ERROR', { cause: thrown });
  }
}

/** Names that the DOM standard gives to the reasons of an AbortSignal (DOM section 3.2). */
const codeByErrorName: ReadonlyMap<string, ErrorCode> = new Map([
  ['AbortError', 'CANCELLED'],
  ['TimeoutError', 'UPSTREAM_TIMEOUT'],
]);
