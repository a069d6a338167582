import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type CachePolicyOf, createCachePolicies } from './caching/document-policy.ts';
import { systemClock } from './clock.ts';
import type { Settings } from './config/config.ts';
import type { Introspection } from './config/variant-options.ts';
import type { VariantSettings } from './config/variant-settings.ts';
import { createFindDeprecated } from './deprecation/deprecated-uses.ts';
import type { Budget } from './guard/budget/budget.ts';
import type { BudgetPolicy, BudgetPolicyFor } from './guard/budget/policy.ts';
import { createCostModel } from './guard/cost/cost-model.ts';
import { createAutomaticDocuments } from './guard/documents/automatic.ts';
import { createDocumentGate, type DocumentGate, type DocumentGateParts } from './guard/documents/gate.ts';
import { createTrustedDocuments, type TrustedDocuments } from './guard/documents/trusted.ts';
import { createDocuments, type Documents } from './guard/documents.ts';
import type { Principal } from './identity/principal.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { createRandomHex } from './observe/trace.ts';
import type { Traffic } from './observe/traffic.ts';
import { createCharging } from './operation/charging.ts';
import type { OperationContext } from './operation/context.ts';
import { createPipeline, type PipelineParts, type RequestFacts } from './operation/pipeline.ts';
import { createTrafficRecorder } from './operation/record-traffic.ts';
import type { SharedStores } from './operation/shared-stores.ts';
import type { SubscriptionLeases } from './operation/subscription-leases.ts';
import { createResumeCursorCodec } from './realtime/cursor.ts';
import type { Deliveries } from './realtime/delivery.ts';
import type { Pump } from './realtime/pump.ts';
import { createSeal } from './seal.ts';
import { createReadMasks } from './upstream/mask.ts';
import type { Upstream } from './upstream/upstream.ts';

/** What all variants of a gateway share: who keeps books, keys and events keeps those of all of them. */
export interface VariantParts {
  readonly stores: SharedStores;
  readonly deliveries: Deliveries;
  readonly pump: Pump;
  readonly subscriptionLeases: SubscriptionLeases;
  readonly budget: Budget;
  readonly traffic: Traffic | undefined;
  readonly log: Log;
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly metrics: Pick<Metrics, 'documents'>;
}

/** One face of the graph, as its transports need it. */
export interface Variant {
  readonly settings: VariantSettings;
  readonly pipeline: Plugin<RequestFacts & OperationContext>;
  /** The documents of its manifests; whoever starts the gateway loads and closes them. */
  readonly trusted: TrustedDocuments;
  /** How answers to trusted documents may be kept; those to others are kept nowhere. */
  readonly cachePolicyOf: CachePolicyOf;
}

/**
 * The path of the operations of one variant: its schema, prices, documents, plans, read masks and cursors are its own, so
 * that nothing of one variant is known to another.
 */
export function createVariant(settings: Settings, variant: VariantSettings, parts: VariantParts): Variant {
  const charging = chargingOf(settings, variant, parts);
  const documents = createDocuments(variant.limits, { hideSuggestions: settings.production });
  const trusted = trustedOf(variant, documents, { ...parts, onPrepared: charging.prepare });
  const policyOf = createCachePolicies(variant.schema);
  return {
    settings: variant,
    pipeline: pipelineOf(settings, variant, {
      ...parts,
      charging,
      documents,
      gate: gateOf(settings, variant, {
        documents,
        trusted,
        onFound: parts.metrics.documents.finder(variant.name),
      }),
    }),
    trusted,
    cachePolicyOf: (document, operationName) =>
      trusted.current().byNode(document) && policyOf(document, operationName),
  };
}

/**
 * Reads the documents of all manifests. Resolves with a line for each that is faulty: in production nothing starts with
 * one; elsewhere there are none, and the log tells of them, for whoever writes a document sees it there.
 */
export async function loadTrustedDocuments(
  { production }: Settings,
  variants: readonly Variant[],
  log: Log,
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { settings, trusted } of variants) {
    const at = `variants.${settings.name}.documents`;
    faults.push(...(await trusted.load()).map((fault) => `${at}: ${fault}`));
    const { allow, scope } = settings.documents;
    if (allow === 'trusted' && trusted.current().all.length === 0)
      log.warn(
        { option: `${at}.manifests`, scope },
        'no document is trusted; only holders of the scope can ask',
      );
  }
  if (production) return faults;
  for (const fault of faults.slice(0, maxToldFaults)) log.warn({ fault }, 'a document is not trusted');
  return [];
}

/** Lines of the log at one start. */
const maxToldFaults = 50;

function trustedOf(
  { name, schema, documents: { manifests, maxBytes, reloadMs } }: VariantSettings,
  documents: Documents,
  parts: VariantParts & { readonly onPrepared: (document: DocumentNode) => void },
): TrustedDocuments {
  const { log, metrics, onPrepared } = parts;
  return createTrustedDocuments({
    manifests,
    schema,
    documents,
    maxBytes,
    reloadMs,
    clock: systemClock,
    log,
    onPrepared,
    onLoaded: (count) => metrics.documents.inUse(name, count),
    onReloaded: (isTaken) => metrics.documents.reloaded(name, isTaken ? 'taken' : 'refused'),
  });
}

function gateOf(
  { production }: Settings,
  { documents: options }: VariantSettings,
  parts: Pick<DocumentGateParts, 'documents' | 'trusted' | 'onFound'>,
): DocumentGate {
  const { allow, scope, automaticMaxDocuments: maxDocuments, automaticMaxBytes: maxBytes } = options;
  const automatic = maxDocuments > 0 ? createAutomaticDocuments({ maxDocuments, maxBytes }) : undefined;
  return createDocumentGate({ ...parts, automatic, allow, scope, production });
}

interface PipelineOwnParts extends VariantParts, Pick<PipelineParts, 'charging' | 'documents' | 'gate'> {}

function pipelineOf(
  settings: Settings,
  variant: VariantSettings,
  parts: PipelineOwnParts,
): Variant['pipeline'] {
  const { log, stores, charging, documents, gate } = parts;
  const { secrets } = settings.cursors;
  return createPipeline({
    variant: variant.name,
    clock: systemClock,
    charging,
    documents,
    gate,
    hideSuggestions: settings.production,
    mayIntrospect: ({ kind }) => mayIntrospect[variant.introspection](kind),
    broker: stores.broker,
    idempotency: stores.idempotency,
    deliveries: parts.deliveries,
    pump: parts.pump,
    subscriptionLeases: parts.subscriptionLeases,
    resumeCursors: createResumeCursorCodec({ secrets, variant: variant.name }),
    eventTimeoutMs: variant.limits.operationTimeoutMs,
    legacyHeaders: settings.budget.legacyHeaders,
    recordTraffic: parts.traffic && trafficRecorder(parts.traffic, variant, secrets),
    findDeprecated: createFindDeprecated(settings.deprecation.url),
    upstreams: parts.upstreams,
    cursors: createSeal({ purpose: `cursor ${variant.name}`, secrets }),
    masks: createReadMasks(variant.schema),
    pages: variant.pages,
    limits: variant.limits,
    maxDeferredParts: variant.limits.maxDeferredParts,
    onAnomaly: (anomaly) => log.warn(anomaly, 'an upstream answered with rows that nobody asked for'),
    log,
    randomHex: createRandomHex(),
  });
}

const mayIntrospect: Readonly<Record<Introspection, (kind: Principal['kind']) => boolean>> = {
  anyone: () => true,
  known: (kind) => kind !== 'anonymous',
  nobody: () => false,
};

function chargingOf(settings: Settings, variant: VariantSettings, { budget, log }: VariantParts) {
  return createCharging({
    model: createCostModel(variant.schema, { pages: variant.pages }),
    budget,
    policyFor: policyUnder(settings.budget.mode, settings.policy),
    variant: variant.name,
    upstreamLimitPoints: settings.upstreamLimitPoints,
    isTold: ({ scopes }) => !settings.production || scopes.has(settings.prices.scope),
    log,
  });
}

function trafficRecorder(
  traffic: Traffic,
  { name }: VariantSettings,
  [secret = '']: readonly string[],
): ReturnType<typeof createTrafficRecorder> {
  return createTrafficRecorder({ traffic, clock: systemClock, variant: name, secret });
}

/** Books are kept no more strictly than `mode`. */
function policyUnder(mode: BudgetPolicy['mode'], policyFor: BudgetPolicyFor): BudgetPolicyFor {
  if (mode === 'enforce') return policyFor;
  return (caller, face) => {
    const policy = policyFor(caller, face);
    return policy.mode === 'off' ? policy : { ...policy, mode };
  };
}
