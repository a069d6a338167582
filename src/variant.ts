import type { Plugin } from 'graphql-yoga';
import { systemClock } from './clock.ts';
import type { Introspection, Settings, VariantSettings } from './config.ts';
import { createFindDeprecated } from './deprecation/deprecated-uses.ts';
import type { Budget } from './guard/budget/budget.ts';
import type { BudgetPolicy, BudgetPolicyFor } from './guard/budget/policy.ts';
import { createCostModel } from './guard/cost/cost-model.ts';
import type { Principal } from './identity/principal.ts';
import type { Log } from './observe/log.ts';
import { createRandomHex } from './observe/trace.ts';
import type { Traffic } from './observe/traffic.ts';
import { createCharging } from './operation/charging.ts';
import type { OperationContext } from './operation/context.ts';
import { createPipeline, type RequestFacts } from './operation/pipeline.ts';
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
}

/**
 * The path of the operations of one variant: its schema, prices, documents, plans, read masks and cursors are its own, so
 * that nothing of one variant is known to another.
 */
export function createVariantPipeline(
  settings: Settings,
  variant: VariantSettings,
  parts: VariantParts,
): Plugin<RequestFacts & OperationContext> {
  const { log, stores } = parts;
  const { secrets } = settings.cursors;
  return createPipeline({
    variant: variant.name,
    clock: systemClock,
    charging: chargingOf(settings, variant, parts),
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
