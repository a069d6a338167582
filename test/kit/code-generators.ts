import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from '@graphql-codegen/cli';
import { preset } from '@graphql-codegen/client-preset';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Where the platforms that relay-compiler has programs for keep them. */
const relayPrograms: Readonly<Record<string, string>> = {
  'linux x64': 'linux-x64/relay',
  'linux arm64': 'linux-arm64/relay',
  'darwin x64': 'macos-x64/relay',
  'darwin arm64': 'macos-arm64/relay',
};

/** Runs graphql-codegen with the client preset over documents of a folder; resolves with the path of its manifest. */
export async function runClientPreset(
  folder: string,
  schemaFile: string,
  documents: string,
): Promise<string> {
  const outputs = await generate(
    {
      cwd: folder,
      schema: schemaFile,
      documents: `${documents}/**/*.graphql`,
      generates: {
        [join(folder, 'gql/')]: { preset, presetConfig: { persistedDocuments: true } },
      },
      silent: true,
    },
    false,
  );
  for (const { filename, content } of outputs) {
    await mkdir(dirname(filename), { recursive: true });
    await writeFile(filename, content);
  }
  return join(folder, 'gql/persisted-documents.json');
}

/** What the Relay compiler is run with. */
export interface RelayOptions {
  /** GraphQL texts by the names of their modules. */
  readonly modules: Readonly<Record<string, string>>;
  readonly algorithm?: string;
  /** Whether operations are named in place of sent; default: yes. */
  readonly isPersisted?: boolean;
}

/** Runs the Relay compiler over modules in `folder`/src; resolves with the path of its manifest, and what its artifacts name. */
export async function runRelay(
  folder: string,
  schemaFile: string,
  { modules, algorithm, isPersisted = true }: RelayOptions,
): Promise<{ readonly manifest: string; readonly idOf: (operation: string) => Promise<string> }> {
  const file = join(folder, 'relay.json');
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(file, '{}');
  // Its own reader of schemas has no directives on what it does not know: they are declared in the file.
  await writeFile(join(folder, 'schema.graphql'), await readFile(schemaFile, 'utf8'));
  for (const [name, graphql] of Object.entries(modules)) {
    const text = `import { graphql } from 'relay-runtime';\nexport const made = graphql\`${graphql}\`;\n`;
    await writeFile(join(folder, 'src', `${name}.ts`), text);
  }
  const config = {
    src: './src',
    schema: './schema.graphql',
    language: 'typescript',
    eagerEsModules: true,
    ...(isPersisted && { persistConfig: { file: './relay.json', ...(algorithm && { algorithm }) } }),
  };
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(config));
  const program = relayPrograms[`${process.platform} ${process.arch}`];
  if (!program) throw new Error(`relay-compiler has no program for ${process.platform} ${process.arch}`);
  await run(join(root, 'node_modules/relay-compiler', program), ['relay.config.json'], { cwd: folder });
  const idOf = async (operation: string) => {
    const artifact = await readFile(join(folder, `src/__generated__/${operation}.graphql.ts`), 'utf8');
    return /"id": "([^"]+)"/.exec(artifact)?.[1] ?? '';
  };
  return { manifest: file, idOf };
}
