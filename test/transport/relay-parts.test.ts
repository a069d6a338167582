import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printSchema } from 'graphql';
import relay, { type ConcreteRequest } from 'relay-runtime';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runRelay } from '../kit/code-generators.ts';
import { createRelayFetch } from '../kit/relay-network.ts';
import { openTinyGateway, type TinyGateway } from '../kit/tiny-gateway.ts';
import { buildTinySchema, createProbe } from '../kit/tiny-schema.ts';

/** As the schema of a gateway has them where `limits.maxDeferredParts` is above 0. */
const directives = `
directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @stream(if: Boolean! = true, label: String, initialCount: Int! = 0) on FIELD
`;

/** Components of a frontend; what a fragment asks for is partly there already when it comes. */
const modules = {
  page: `query pageQuery {
    fast
    shelf { id }
    ...shelf_page @defer(label: "shelf")
    few(first: 3) { edges @stream(label: "few", initialCount: 1) { node { id title ...pages_book @defer(label: "pages") } } }
  }`,
  shelf: 'fragment shelf_page on Query { fast shelf { id label } }',
  pages: 'fragment pages_book on Book { id pageCount }',
  wrong: 'query wrongQuery { fast ...number_page @defer(label: "number") }',
  number: 'fragment number_page on Query { wrongNumber shelf { label } }',
  touch: 'mutation touchMutation { touch }',
  failing:
    'query failingQuery { few(first: 1) { edges { node { id ...never_book @defer(label: "never") } } } }',
  never: 'fragment never_book on Book { never }',
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-relay-'));
  const schemaFile = join(folder, 'tiny.graphql');
  await writeFile(schemaFile, printSchema(buildTinySchema(createProbe())) + directives);
  await runRelay(folder, schemaFile, { modules, isPersisted: false });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the compiler made of a query, without the types of an artifact. */
async function requestOf(name: string): Promise<ConcreteRequest> {
  const artifact = join(folder, `src/__generated__/${name}.graphql.ts`);
  const file = artifact.replace('.ts', '.plain.ts');
  await writeFile(file, (await readFile(artifact, 'utf8')).replace(/^import .*$/gm, ''));
  return (await import(pathToFileURL(file).href)).default;
}

/** What an operation gives step by step, and what the store has in the end. */
async function execute({ url }: TinyGateway, name: string) {
  const { Environment, Network, RecordSource, Store } = relay;
  const network = Network.create(createRelayFetch(url));
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  const operation = relay.createOperationDescriptor(await requestOf(name), {});
  const steps: unknown[] = [];
  const failed = await new Promise<unknown>((resolve) => {
    const observer = { complete: () => resolve(undefined), error: resolve };
    environment.execute({ operation }).subscribe({ next: (step) => void steps.push(step), ...observer });
  });
  const records = environment.getStore().getSource().toJSON();
  return { steps, failed, records, status: environment.check(operation).status };
}

const on = { limits: { maxDeferredParts: 20 } };

describe('Relay', () => {
  it('reads @defer and @stream as its compiler writes them', async () => {
    const complained = vi.spyOn(console, 'error');
    await using tiny = await openTinyGateway(on);
    const { steps, failed, records, status } = await execute(tiny, 'pageQuery');
    expect({ failed, status }).toEqual({ failed: undefined, status: 'available' });
    expect(steps[0]).toMatchObject({ data: { fast: 'fast', few: { edges: [{}] } } });
    expect(steps.at(-1)).toMatchObject({ extensions: { is_final: true } });
    const labels = steps.slice(1).map((step) => (step as { label: string }).label);
    expect(labels.toSorted()).toEqual([
      ...Array(3).fill('pageQuery$defer$pages'),
      'pageQuery$defer$shelf',
      ...Array(2).fill('pageQuery$stream$few'),
    ]);
    const all = Object.values(records);
    expect(all).toContainEqual(expect.objectContaining({ __typename: 'Shelf', label: 'Shelf 1' }));
    for (const n of [1, 2, 3])
      expect(all).toContainEqual(
        expect.objectContaining({ __typename: 'Book', title: `Book ${n}`, pageCount: 99 + n }),
      );
    // Nothing that a fragment asks for was missing in what came for it.
    expect(complained).not.toHaveBeenCalled();
    complained.mockRestore();
  });

  it('reads an answer that comes whole', async () => {
    await using tiny = await openTinyGateway(on);
    const mutation = await execute(tiny, 'touchMutation');
    expect(mutation.steps).toMatchObject([{ data: { touch: 1 }, extensions: { is_final: true } }]);
  });

  it('is told of the error of a field with the fragment that it is in', async () => {
    await using tiny = await openTinyGateway(on);
    const { steps, failed, records } = await execute(tiny, 'wrongQuery');
    expect(failed).toBeUndefined();
    expect(steps.at(-1)).toMatchObject({
      label: 'wrongQuery$defer$number',
      data: { wrongNumber: null },
      errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect(Object.values(records)).toContainEqual(expect.objectContaining({ label: 'Shelf 1' }));
  });

  it('fails as a whole when a fragment does', async () => {
    await using tiny = await openTinyGateway(on);
    const { steps, failed } = await execute(tiny, 'failingQuery');
    expect(steps).toHaveLength(1);
    expect(failed).toMatchObject({ message: expect.stringContaining('failingQuery') });
  });
});
