import { type DocumentNode, Kind, OperationTypeNode } from 'graphql';
import { type ErrorCode, WeirError } from '../../errors.ts';
import type { Documents } from '../documents.ts';
import { graphqlError } from '../shape/refusal.ts';
import type { AutomaticDocuments } from './automatic.ts';
import { canonicalId, documentIdOf } from './document-id.ts';
import type { TrustedDocuments } from './trusted.ts';

/** What a request says of its document besides a text, and how it came. */
export interface DocumentNaming {
  /** GraphQL over HTTP, appendix A. */
  readonly documentId: string | undefined;
  /** With Apollo's `persistedQuery` in it, as it came. */
  readonly extensions: Readonly<Record<string, unknown>> | undefined;
  /** `bare` is a GET that a page of any origin can send; `preflighted` one that it cannot; a POST is `safe`. */
  readonly origin: 'safe' | 'preflighted' | 'bare';
}

/** How a request names its document. */
export interface DocumentRequest extends DocumentNaming {
  /** Its text; empty when it is named by an id alone. */
  readonly query: string;
}

/** Who asks: any principal of identity/ is one. */
export interface DocumentCaller {
  readonly kind: string;
  readonly scopes: ReadonlySet<string>;
  readonly tenant: string | null;
  readonly subject: string | null;
  readonly network: string | null;
}

/** Which documents a variant runs. */
export interface DocumentGateParts {
  readonly documents: Documents;
  readonly trusted: Pick<TrustedDocuments, 'current'>;
  /** Absent: a client that asks for it hears that it is not supported. */
  readonly automatic: AutomaticDocuments | undefined;
  /** Whether everybody may send documents that are in no manifest, or `scope` alone. */
  readonly allow: 'trusted' | 'any';
  readonly scope: string;
  /** No GET of any other than trusted documents. */
  readonly production: boolean;
  /** Told how each document was found. */
  readonly onFound: (how: FoundBy) => void;
}

/** How a document was found: a trusted one by its id or its text, an automatic one by its digest, any other by its text. */
export const foundBys = ['id', 'text', 'automatic', 'untrusted'] as const;

export type FoundBy = (typeof foundBys)[number];

/** The one place that says which document a request runs, whatever carried it. */
export interface DocumentGate {
  /**
   * The parsed document. Throws a GraphQLError with the code of what refuses it: of the id, of a text that may not be
   * sent, or of the text's own form. A trusted document was parsed and validated before.
   */
  readonly find: (request: DocumentRequest, caller: DocumentCaller) => DocumentNode;
  /** Takes note that the document that was found for a request is valid. */
  readonly onValid: (document: DocumentNode, naming: DocumentNaming, caller: DocumentCaller) => void;
}

/** What a request names besides a text. */
interface Named {
  readonly id: string;
  /** By Apollo's protocol, whose clients send the text when they are told that it is not known. */
  readonly isPersistedQuery: boolean;
}

/** Makes the gate of one variant. */
export function createDocumentGate(parts: DocumentGateParts): DocumentGate {
  const { documents, trusted, automatic, onFound } = parts;
  const mayAsk = ({ scopes }: DocumentCaller) => parts.allow === 'any' || scopes.has(parts.scope);
  const found = (how: FoundBy, document: DocumentNode): DocumentNode => {
    onFound(how);
    return document;
  };
  const parsed = (text: string, { origin }: DocumentRequest): DocumentNode => {
    const document = documents.parse(text);
    const isRefused = origin === 'bare' || (origin === 'preflighted' && parts.production);
    // A mutation is refused behind this, for no GET runs one: with another status, which tells the client to post it.
    if (isRefused && !isMutation(document))
      throw refusal('BAD_REQUEST', parts.production ? getRefused : getBare);
    return document;
  };
  const byId = (named: Named, request: DocumentRequest, caller: DocumentCaller): DocumentNode => {
    const known = trusted.current().byId(named.id);
    if (known) return found('id', known.document);
    if (!named.isPersistedQuery || !mayAsk(caller)) throw refusal('DOCUMENT_NOT_FOUND');
    if (!automatic) throw refusal('PERSISTED_QUERY_NOT_SUPPORTED');
    const text = automatic.get(canonicalId(named.id));
    if (text === undefined) throw refusal('PERSISTED_QUERY_NOT_FOUND');
    return found('automatic', parsed(text, request));
  };
  return {
    find: (request, caller) => {
      const { query } = request;
      const named = namedBy(request);
      if (query === '') {
        if (named) return byId(named, request, caller);
        throw refusal('BAD_REQUEST', 'Expected a document as the member "query", or its id as "documentId".');
      }
      const known = trusted.current().byText(query);
      if (known) return found('text', known.document);
      if (!mayAsk(caller)) throw refusal('DOCUMENT_NOT_TRUSTED');
      if (named && canonicalId(named.id) !== documentIdOf(query)) throw refusal('BAD_REQUEST', otherDigest);
      return found('untrusted', parsed(query, request));
    },
    onValid: (document, naming, caller) => {
      const text = document.loc?.source.body ?? '';
      if (!automatic || !naming.extensions?.['persistedQuery'] || trusted.current().byNode(document)) return;
      automatic.keep(documentIdOf(text), text, shareOf(caller));
    },
  };
}

/** Whose account automatic documents are kept on: a tenant's for all of it, and one for each who has none. */
function shareOf({ kind, tenant, subject, network }: DocumentCaller): string {
  return JSON.stringify(tenant === null ? [kind, subject ?? network] : [tenant]);
}

/** Whether it has nothing else, whatever operation is named. */
function isMutation({ definitions }: DocumentNode): boolean {
  return definitions.every(
    (definition) =>
      definition.kind !== Kind.OPERATION_DEFINITION || definition.operation === OperationTypeNode.MUTATION,
  );
}

const getRefused =
  'Expected a POST: in production GET is for trusted documents only. Send "documentId", or the request as JSON.';
const getBare =
  'Expected the header "GraphQL-Require-Preflight" with the GET of a document that is in no manifest, or a POST.';
const otherDigest = 'Expected "extensions.persistedQuery.sha256Hash" to be the SHA-256 of "query".';
const bothNames = 'Expected one of "documentId" and "query" or "extensions.persistedQuery", got both.';
const malformed =
  'Expected "extensions.persistedQuery" to be { "version": 1, "sha256Hash": "64 hexadecimal digits" }.';

function namedBy({ query, documentId, extensions }: DocumentRequest): Named | undefined {
  const persisted = extensions?.['persistedQuery'] ?? undefined;
  if (documentId !== undefined) {
    if (query !== '' || persisted !== undefined) throw refusal('BAD_REQUEST', bothNames);
    return { id: documentId, isPersistedQuery: false };
  }
  if (persisted === undefined) return undefined;
  const { version, sha256Hash } = persisted as Record<string, unknown>; // as: any JSON value but null has members
  if (version !== 1 || typeof sha256Hash !== 'string' || sha256Hash === '')
    throw refusal('BAD_REQUEST', malformed);
  return { id: sha256Hash, isPersistedQuery: true };
}

function refusal(code: ErrorCode, message?: string) {
  return graphqlError(new WeirError(code, message === undefined ? {} : { message }));
}
