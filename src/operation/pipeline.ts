import type { ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { createSharedBatches } from '../batch/shared.ts';
import type { DocumentGate } from '../guard/documents/gate.ts';
import type { Documents } from '../guard/documents.ts';
import { createIntrospectionErrors } from '../guard/introspection.ts';
import type { Principal } from '../identity/principal.ts';
import { traceFrom } from '../observe/trace.ts';
import { createOperationContext, type OperationContext } from './context.ts';
import { createPartsExecutor } from './execute-in-parts.ts';
import { createExecutor } from './execution.ts';
import { joinContexts } from './joint-context.ts';
import type { RequestFacts } from './request-facts.ts';
import { type Run, runOperation } from './run-operation.ts';
import { subscribeOperation } from './subscribe.ts';
import type { SubscribeParts } from './subscribed.ts';
import { watchPrincipal } from './watch-principal.ts';
import { withCursor } from './with-cursor.ts';

export type { RequestFacts } from './request-facts.ts';

/** What the pipeline needs of its gateway. */
export interface PipelineParts extends Omit<SubscribeParts, 'executor'> {
  /** Whether refusals name nothing of the schema that might have been meant. Default false. */
  readonly hideSuggestions?: boolean;
  /** Whether a caller may ask for the schema. */
  readonly mayIntrospect: (principal: Principal) => boolean;
  /** Most parts of an answer that come later; 0, the default: answers come whole. */
  readonly maxDeferredParts?: number;
  readonly documents: Documents;
  /** Says which document each request runs. */
  readonly gate: DocumentGate;
}

/**
 * The one path parse -> guard -> execute -> settle, as an Envelop plugin: every transport obtains it with `getEnveloped`,
 * whose initial context carries the {@link RequestFacts}.
 */
export function createPipeline(given: PipelineParts): Plugin<RequestFacts & OperationContext> {
  const parts = { ...given, sharedBatches: createSharedBatches(joinContexts(given)) };
  const executor = createExecutor();
  const { maxDeferredParts = 0, hideSuggestions = false } = parts;
  const executeInParts = createPartsExecutor(maxDeferredParts);
  const subscribeParts = { ...parts, executor };
  const { documents, gate } = parts;
  const introspectionErrors = createIntrospectionErrors();
  const validateUntold: Documents['validate'] = (schema, document, rules) => {
    const errors = documents.validate(schema, document, rules);
    return errors.length > 0 ? errors : introspectionErrors(schema, document);
  };
  return {
    onParse({ context, setParseFn }) {
      const { naming, principal } = context;
      setParseFn((source) => {
        const query = typeof source === 'string' ? source : source.body;
        return gate.find({ ...naming, query }, principal);
      });
    },
    onValidate({ context, setValidationFn }) {
      const { naming, principal } = context;
      const validateFor = parts.mayIntrospect(principal) ? documents.validate : validateUntold;
      setValidationFn((schema, document, rules) => {
        const errors = validateFor(schema, document, rules);
        if (errors.length === 0) gate.onValid(document, naming, principal);
        return errors;
      });
    },
    onContextBuilding({ context, extendContext }) {
      extendContext(startOperation(parts, context));
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((given) => {
        const args = { ...given, hideSuggestions };
        const context = contextOf(args);
        const { takesParts = false, signal, onPersonal } = context;
        const inParts = takesParts && maxDeferredParts > 0 ? executeInParts : answerWhole;
        const run = ({ charge, validated }: Run) =>
          inParts(validated, charge, signal) ?? executor(args, charge.tally, validated);
        const execute = onPersonal
          ? (admitted: Run) => watchPrincipal(context, onPersonal, () => run(admitted))
          : run;
        return runOperation(withCursor(execute, args, subscribeParts), args, parts);
      });
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((given) => {
        const args = { ...given, hideSuggestions };
        return runOperation((run) => subscribeOperation(args, run, subscribeParts), args, parts);
      });
    },
  };
}

function contextOf({ contextValue }: ExecutionArgs): RequestFacts & OperationContext {
  return contextValue as RequestFacts & OperationContext; // as: the one that is built above
}

function answerWhole(): undefined {}

function startOperation(parts: PipelineParts, request: RequestFacts): OperationContext {
  return createOperationContext(parts, {
    requestId: request.requestId,
    trace: traceFrom(request.traceparent, parts.randomHex),
    timeoutMs: Math.max(0, request.deadlineMs - parts.clock.nowMs()),
    principal: request.principal,
    signal: request.signal,
  });
}
