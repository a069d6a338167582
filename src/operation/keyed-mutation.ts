import { GraphQLError, getArgumentValues, OperationTypeNode, type ValidatedExecutionArgs } from 'graphql';
import { WeirError } from '../errors.ts';
import { declarationOf } from '../idempotency/declaration.ts';
import { fingerprintOf, recordIdOf } from '../idempotency/fingerprint.ts';
import { keyFrom, keyNames } from '../idempotency/key.ts';
import type { Principal } from '../identity/principal.ts';
import { type FieldPlan, rootSelection } from './plan.ts';
import type { RequestFacts } from './request-facts.ts';

/** A mutation that was sent with a key. */
export interface KeyedMutation {
  readonly key: string;
  /** Where its record is kept, and what it stands for. */
  readonly id: string;
  readonly fingerprint: string;
  /** Whether one of its fields is done only with a key. */
  readonly isRequired: boolean;
  /** Whether all of its fields take a key once, so that it may run again when nobody knows whether it has. */
  readonly isRepeatable: boolean;
  /** Response names of its root fields. */
  readonly fields: readonly string[];
}

type KeyContext = Pick<RequestFacts, 'idempotencyHeader'> & {
  readonly variant: string;
  readonly principal: Principal;
  /** As transports have it: see StreamFacts. */
  readonly params?: { readonly extensions?: Readonly<Record<string, unknown>> | null };
};

/**
 * The key of a mutation; undefined for one without, and for queries and subscriptions, which change nothing. Throws
 * `IDEMPOTENCY_KEY_REQUIRED` where a field wants one, `IDEMPOTENCY_KEY_INVALID` for what is none.
 */
export function keyedMutationFrom(
  args: ValidatedExecutionArgs,
  { variant, idempotencyHeader, params, principal }: KeyContext,
): KeyedMutation | undefined {
  const { operation, document, variableValues } = args;
  if (operation.operation !== OperationTypeNode.MUTATION) return undefined;
  const fields = rootFields(args);
  const key = keyFrom({
    header: idempotencyHeader,
    extension: params?.extensions?.[keyNames.member],
    inputs: fields.map((field) => inputKeyOf(field, args)),
  });
  const required = fields.find((field) => declared(field) === 'required');
  if (key === undefined) {
    if (required) throw missing(required);
    return undefined;
  }
  assertOnceEach(fields);
  const { tenant, kind, subject, network } = principal;
  const owner = [tenant, kind, subject ?? network];
  const asked = {
    variant,
    document: document.loc?.source.body ?? '',
    operationName: operation.name?.value,
    variables: variableValues.coerced,
    owner,
    key,
  };
  return {
    key,
    id: recordIdOf(asked),
    fingerprint: fingerprintOf(asked),
    isRequired: required !== undefined,
    isRepeatable: fields.every((field) => declared(field) !== undefined),
    fields: fields.map((field) => field.key),
  };
}

/** As execution collects them, but for `__typename`. */
function rootFields(args: ValidatedExecutionArgs): readonly FieldPlan[] {
  const { schema, operation } = args;
  const type = schema.getMutationType();
  if (!type) return [];
  const plan = { room: { left: 0 }, fields: 0, places: [], root: undefined };
  return rootSelection(plan, args, type, operation.selectionSet).fields.filter(
    ({ isTypename }) => !isTypename,
  );
}

function declared({ definition }: FieldPlan) {
  return declarationOf(definition.extensions);
}

/** `idempotencyKey` among a field's arguments, or in one of them that is an input object. */
function inputKeyOf({ definition, nodes }: FieldPlan, { variableValues }: ValidatedExecutionArgs): unknown {
  const values = argumentsOf(() => getArgumentValues(definition, nodes[0], variableValues));
  const inputs = Object.values(values).map((value) =>
    typeof value === 'object' && value !== null && keyNames.member in value
      ? value[keyNames.member]
      : undefined,
  );
  return [values[keyNames.member], ...inputs].find((value) => value !== undefined && value !== null);
}

/** Execution says what is wrong with the arguments, at their field. */
function argumentsOf(read: () => Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof GraphQLError) return {};
    throw thrown;
  }
}

/** To what is behind a field, two calls with one key are one call. */
function assertOnceEach(fields: readonly FieldPlan[]): void {
  const names = fields.filter(declared).map(({ definition }) => definition.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new WeirError('IDEMPOTENCY_KEY_INVALID', {
    message: `One idempotency key stands for one ${twice}, got several: send each in an operation of its own.`,
  });
}

function missing({ definition }: FieldPlan): WeirError {
  return new WeirError('IDEMPOTENCY_KEY_REQUIRED', {
    message:
      `${definition.name} is only done with an idempotency key: send the header "${keyNames.header}", or ` +
      `"${keyNames.member}" in the input or in "extensions", with 16 to 255 characters that are new for each intent.`,
  });
}
