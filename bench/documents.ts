import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GraphQLSchema } from 'graphql';
import { schema } from '../schema/index.ts';
import { optionSections } from '../src/config/option-sections.ts';
import { createCostModel } from '../src/guard/cost/cost-model.ts';
import { compilePrice } from '../src/guard/cost/price-plan.ts';
import { documentIdOf } from '../src/guard/documents/document-id.ts';
import { createDocumentGate, type DocumentRequest } from '../src/guard/documents/gate.ts';
import { parseManifest } from '../src/guard/documents/manifest.ts';
import { emptyTrustedSet, prepareTrustedSet } from '../src/guard/documents/trusted-set.ts';
import { createDocuments, type Documents } from '../src/guard/documents.ts';
import { anonymousPrincipal } from '../src/identity/principal.ts';
import type { Figures, RunOptions, Scenario } from './harness/scenario.ts';
import { medianInterval } from './harness/statistics.ts';
import { ordersScenario, weirProgram } from './orders.ts';

const text = readFileSync(join(import.meta.dirname, 'peers/documents/orders-page.graphql'), 'utf8');
const documentId = documentIdOf(text);
const limits = optionSections.limits.parse({});
const pages = optionSections.pages.parse({});

const cycles = 41;
const sliceMs = 20;

/** Steps of one request, in the order in which the gateway takes them. */
type Step = () => unknown;

/** What naming a document by its id saves, of the work on it and of the gateway's CPU for the whole answer. */
export const documents: Scenario = {
  description: 'a trusted document by its id, by its text, and by a text that is new each time',
  run: async (options) => {
    const steps = await stepFigures();
    return [...steps, ...(await serverFigures(options))];
  },
};

/** Microseconds from the names in a request to a document that may be executed and has a price, in paired slices. */
async function stepFigures(): Promise<readonly Figures[]> {
  const kept = createDocuments(limits);
  const gate = await gateOf(kept, schema);
  const model = createCostModel(schema, { pages });
  const caller = anonymousPrincipal('192.0.2.0/24');
  const find = (request: Partial<DocumentRequest>) => {
    const named = { query: '', documentId: undefined, extensions: undefined, origin: 'safe' as const };
    const document = gate.find({ ...named, ...request }, caller);
    if (kept.validate(schema, document).length > 0) throw new Error('Expected a valid document.');
    return document;
  };
  let turn = 0;
  const steps: Readonly<Record<string, Step>> = {
    'by id': () => find({ documentId }),
    'by its text': () => find({ query: copied(text) }),
    'by a new text': () => {
      turn += 1;
      return compilePrice(model, find({ query: `${text}\n#${turn}` }));
    },
  };
  const times = inPairs(steps);
  const first = times['by id'] ?? [];
  return Object.entries(times).map(([name, usEach]) => ({
    name: `find it ${name}`,
    usEach: medianInterval(usEach),
    ratioToFirst: medianInterval(usEach.map((us, cycle) => us / (first[cycle] ?? Number.NaN))),
  }));
}

/** As it comes from a socket: a string that no map has met, whose hash is still to be worked out. */
function copied(known: string): string {
  return Buffer.from(known).toString();
}

async function gateOf(kept: Documents, of: GraphQLSchema) {
  const manifest = parseManifest(JSON.stringify({ [documentId]: text }), 'manifest');
  const parts = { schema: of, documents: kept, maxBytes: 1e9, onPrepared: () => {} };
  const { set, faults } = await prepareTrustedSet([manifest], emptyTrustedSet, parts);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return createDocumentGate({
    documents: kept,
    trusted: { current: () => set },
    automatic: undefined,
    allow: 'any',
    scope: 'documents:any',
    production: false,
    onFound: () => {},
  });
}

/** Microseconds of each step, slice by slice; who begins changes with each cycle. */
function inPairs(steps: Readonly<Record<string, Step>>): Readonly<Record<string, number[]>> {
  const runners = Object.entries(steps).map(([name, step]) => ({ name, step, times: [] as number[] }));
  for (const { step } of runners) timeSlice(step, 10 * sliceMs);
  for (let cycle = 0; cycle < cycles; cycle += 1)
    for (const index of runners.keys()) {
      const runner = runners[(index + cycle) % runners.length];
      runner?.times.push(timeSlice(runner.step, sliceMs));
    }
  return Object.fromEntries(runners.map(({ name, times }) => [name, times]));
}

function timeSlice(step: Step, ms: number): number {
  const startMs = performance.now();
  let turns = 0;
  let nowMs = startMs;
  for (; nowMs - startMs < ms; nowMs = performance.now()) {
    for (let turn = 0; turn < 10; turn += 1) step();
    turns += 10;
  }
  return ((nowMs - startMs) * 1000) / turns;
}

/** The gateway, asked for one page in three ways. */
function serverFigures(options: RunOptions): Promise<readonly Figures[]> {
  let turn = 0;
  const bodies: Readonly<Record<string, () => object>> = {
    'by-id': () => ({ documentId }),
    'by-text': () => ({ query: text }),
    'by-new-text': () => {
      turn += 1;
      return { query: `${text}\n#${turn}` };
    },
  };
  const { run } = ordersScenario(
    '',
    (upstream, all) => Object.keys(bodies).map((name) => trustedProgram(name, upstream, all)),
    {
      bodyOf: (name, variables) => ({ ...bodies[name]?.(), variables }),
      isFresh: (name) => name === 'by-new-text',
    },
  );
  return run(options);
}

function trustedProgram(name: string, upstream: string, options: RunOptions) {
  const program = weirProgram(name, upstream, options);
  return {
    ...program,
    args: ['src/cli/main.ts', 'start', '--config', 'bench/peers/trusted.config.ts'],
  };
}
