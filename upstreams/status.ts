import { Metadata, status } from '@grpc/grpc-js';
import { Any, BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from 'nice-grpc-error-details';
// The package exports the details but not the message that holds them.
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status.js';

/** One field of the request that is wrong: its path in proto names (`page.page_size`), and what was expected. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** What a machine may want to know of a failure (google/rpc/error_details.proto). */
export interface FailureDetails {
  /** BadRequest. */
  readonly violations?: readonly Violation[];
  /** ErrorInfo: UPPER_SNAKE_CASE, at most 63 characters. */
  readonly reason?: string;
  /** ErrorInfo's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** ResourceInfo: the type (`shop.orders.v1.Order`) and the id. */
  readonly resource?: { readonly type: string; readonly name: string };
  /** PreconditionFailure. */
  readonly preconditions?: readonly {
    readonly type: string;
    readonly subject: string;
    readonly description: string;
  }[];
}

const DOMAIN = 'shop.example';
/** Of a list of details, the first are told: all of them stand in one trailer, which has to stay within 8 KiB. */
export const MAX_LISTED = 16;

/** An answer other than OK. grpc-js reads its code, details and metadata. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;

  constructor(code: status, message: string, metadata: Metadata) {
    super(message);
    this.code = code;
    this.details = message;
    this.metadata = metadata;
  }
}

/** A failure with its google.rpc.Status in the trailer `grpc-status-details-bin`. */
export function failure(code: status, message: string, details: FailureDetails = {}): Failure {
  const metadata = new Metadata();
  const encoded = Status.encode(Status.fromPartial({ code, message, details: anysFrom(details) })).finish();
  metadata.set('grpc-status-details-bin', Buffer.from(encoded));
  return new Failure(code, message, metadata);
}

/** INVALID_ARGUMENT: the request is wrong whatever the state of the shop. */
export function invalidArgument(...violations: readonly Violation[]): Failure {
  const message = violations
    .slice(0, MAX_LISTED)
    .map(({ field, description }) => `${field}: ${description}`)
    .join('; ');
  return failure(status.INVALID_ARGUMENT, message, { violations });
}

/** NOT_FOUND: there is no such thing. `type` is the full name of its message. */
export function notFound(type: string, name: string): Failure {
  const noun = type.slice(type.lastIndexOf('.') + 1).toLowerCase();
  return failure(status.NOT_FOUND, `There is no ${noun} ${JSON.stringify(name)}.`, {
    reason: 'NOT_FOUND',
    resource: { type, name },
  });
}

/** FAILED_PRECONDITION: the shop's state does not allow it. `reason` and `subject` say what stands in the way. */
export function failedPrecondition(
  reason: string,
  subject: string,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): Failure {
  const preconditions = [{ type: reason, subject, description: message }];
  return failure(status.FAILED_PRECONDITION, message, { reason, metadata, preconditions });
}

/** PERMISSION_DENIED: a scope would allow it. Only for what says nothing of the rows; those are missing to who may not see them. */
export function permissionDenied(scope: string, message: string): Failure {
  return failure(status.PERMISSION_DENIED, message, { reason: 'SCOPE_MISSING', metadata: { scope } });
}

/** ABORTED: somebody else was faster; reading again and trying again may help. */
export function aborted(reason: string, message: string): Failure {
  return failure(status.ABORTED, message, { reason });
}

function anysFrom({ violations, reason, metadata, resource, preconditions }: FailureDetails): Any[] {
  const details: Any[] = [];
  if (violations) {
    details.push(any('BadRequest', BadRequest, { fieldViolations: violations.slice(0, MAX_LISTED) }));
  }
  if (reason) {
    details.push(any('ErrorInfo', ErrorInfo, { reason, domain: DOMAIN, metadata: { ...metadata } }));
  }
  if (resource) {
    const { type: resourceType, name: resourceName } = resource;
    details.push(
      any('ResourceInfo', ResourceInfo, { resourceType, resourceName, owner: '', description: '' }),
    );
  }
  if (preconditions) {
    details.push(
      any('PreconditionFailure', PreconditionFailure, { violations: preconditions.slice(0, MAX_LISTED) }),
    );
  }
  return details;
}

interface Codec<T> {
  fromPartial(value: T): T;
  encode(value: T): { finish(): Uint8Array };
}

function any<T>(name: string, codec: Codec<T>, value: NoInfer<T>): Any {
  const encoded = codec.encode(codec.fromPartial(value)).finish();
  return Any.fromPartial({ typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(encoded) });
}
