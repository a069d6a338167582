import type { OnStoreFailure, Tier } from './budget-store.ts';

/** Who asks, as far as budgets go: any principal of identity/ is one. */
export interface BudgetCaller {
  readonly kind: 'user' | 'client' | 'anonymous';
  /** Null for the anonymous only. */
  readonly subject: string | null;
  readonly tenant: string | null;
  /** The application that asks, if known. */
  readonly client: string | null;
  /** The network prefix of the anonymous (/24 or /64); null for all others. */
  readonly network: string | null;
}

/** What one caller may spend. */
export interface BudgetPolicy {
  /** `measure` records who would have been refused and admits; `off` keeps no books at all. */
  readonly mode: 'off' | 'measure' | 'enforce';
  readonly onStoreFailure: OnStoreFailure;
  /** The most one operation may cost; equal passes. */
  readonly operationLimitPoints: number;
  /** All must agree. The first is the one that clients are told of where there is place for one only. */
  readonly tiers: readonly Tier[];
  /** Those that mutations need besides. */
  readonly mutationTiers?: readonly Tier[];
}

/** The policy of a caller at one face of the graph: pure, and quick, as it runs for every operation. */
export type BudgetPolicyFor = (caller: BudgetCaller, variant: string) => BudgetPolicy;

/** The size of one budget. */
export interface TierNumbers {
  /** The most that may be spent at once. 1 to 10^9. */
  readonly limitPoints: number;
  /** Above 0 to 10^6; it must restore `limitPoints` within 31 days. */
  readonly restorePerSecond: number;
}

/** What {@link createBudgetPolicy} gives its callers. A tier that is absent and has no default does not exist. */
export interface BudgetPolicyOptions {
  /** Default `enforce`. */
  readonly mode?: BudgetPolicy['mode'];
  /** Default `local`. */
  readonly onStoreFailure?: OnStoreFailure;
  /** Default 1,000. */
  readonly operationLimitPoints?: number;
  /** Each user, and each application on its own behalf. Default 2,000 points, 100 a second. */
  readonly principal?: TierNumbers;
  /** Each network prefix of the anonymous. Default 500 points, 25 a second. */
  readonly anonymous?: TierNumbers;
  /** Each application, with all of its users; within one tenant where the caller has one. */
  readonly client?: TierNumbers;
  /** Each tenant, with all of its users. */
  readonly tenant?: TierNumbers;
  /** The mutations of each user, application or network. */
  readonly mutations?: TierNumbers;
  /** Everybody together. */
  readonly global?: TierNumbers;
}

const defaults = {
  principal: { limitPoints: 2_000, restorePerSecond: 100 },
  anonymous: { limitPoints: 500, restorePerSecond: 25 },
} as const satisfies Readonly<Record<string, TierNumbers>>;

const tierNames = ['principal', 'anonymous', 'client', 'tenant', 'mutations', 'global'] as const;
const maxRestoreSeconds = 31 * 24 * 3600;

/**
 * Policies by who asks. All keys of a caller lie in the slot of its tenant, or of itself without one; those of
 * everybody together in a slot of their own, and those of an application without a tenant in the application's.
 * Throws a RangeError that names every number out of its bounds.
 */
export function createBudgetPolicy(options: BudgetPolicyOptions = {}): BudgetPolicyFor {
  const { mode = 'enforce', onStoreFailure = 'local', operationLimitPoints = 1_000 } = options;
  const faults = policyFaults(options, operationLimitPoints);
  if (faults.length > 0) throw new RangeError(faults.join('\n'));
  // A principal is the same object for as long as its token is, so most operations find their policy made.
  const known = new WeakMap<BudgetCaller, BudgetPolicy>();
  const make = (caller: BudgetCaller): BudgetPolicy => ({
    mode,
    onStoreFailure,
    operationLimitPoints,
    tiers: callerTiers(caller, options),
    mutationTiers: mutationTiers(caller, options),
  });
  return (caller) => {
    const found = known.get(caller);
    if (found) return found;
    const made = make(caller);
    known.set(caller, made);
    return made;
  };
}

function callerTiers(caller: BudgetCaller, options: BudgetPolicyOptions): readonly Tier[] {
  const { principal = defaults.principal, anonymous = defaults.anonymous, client, tenant, global } = options;
  const slot = slotOf(caller);
  const own =
    caller.kind === 'anonymous'
      ? tierOf('anonymous', slot, [caller.network], anonymous)
      : tierOf('principal', slot, ownParts(caller), principal);
  const tiers = [own];
  if (client && caller.client !== null) {
    const clientSlot = caller.tenant === null ? slotName('client', caller.client) : slot;
    tiers.push(tierOf('client', clientSlot, [caller.tenant, caller.client], client));
  }
  if (tenant && caller.tenant !== null) tiers.push(tierOf('tenant', slot, [caller.tenant], tenant));
  if (global) tiers.push(tierOf('global', 'global', [], global));
  return tiers;
}

function mutationTiers(caller: BudgetCaller, { mutations }: BudgetPolicyOptions): readonly Tier[] {
  return mutations ? [tierOf('mutations', slotOf(caller), ownParts(caller), mutations)] : [];
}

function slotOf({ kind, subject, tenant, network }: BudgetCaller): string {
  if (tenant !== null) return slotName('tenant', tenant);
  return kind === 'anonymous' ? slotName('network', network) : slotName('subject', subject);
}

function ownParts({ kind, subject, tenant, network }: BudgetCaller): readonly (string | null)[] {
  return kind === 'anonymous' ? ['network', network] : [kind, tenant, subject];
}

function slotName(kind: string, name: string | null): string {
  return `${kind}/${partOf(name)}`;
}

function tierOf(
  name: string,
  slot: string,
  parts: readonly (string | null)[],
  { limitPoints, restorePerSecond }: TierNumbers,
): Tier {
  return { name, slot, key: [name, ...parts.map(partOf)].join('/'), limitPoints, restorePerSecond };
}

/** No two names become one, and none can break a key or a hash tag. A lone surrogate, which no token holds, is replaced. */
function partOf(name: string | null): string {
  return name === null ? '-' : `=${encodeURIComponent(name.toWellFormed())}`;
}

function policyFaults(options: BudgetPolicyOptions, operationLimitPoints: number): readonly string[] {
  const faults: string[] = [];
  if (!(operationLimitPoints >= 1 && operationLimitPoints <= 1e9))
    faults.push(`budget: operationLimitPoints: expected 1 to 1000000000, got ${operationLimitPoints}`);
  for (const name of tierNames) {
    const numbers = options[name];
    if (!numbers) continue;
    const { limitPoints, restorePerSecond } = numbers;
    if (!(limitPoints >= 1 && limitPoints <= 1e9))
      faults.push(`budget: ${name}.limitPoints: expected 1 to 1000000000, got ${limitPoints}`);
    if (!(restorePerSecond > 0 && restorePerSecond <= 1e6))
      faults.push(`budget: ${name}.restorePerSecond: expected above 0 to 1000000, got ${restorePerSecond}`);
    if (limitPoints / restorePerSecond > maxRestoreSeconds)
      faults.push(
        `budget: ${name}: expected to be restored within ${maxRestoreSeconds} s: raise restorePerSecond`,
      );
  }
  return faults;
}
