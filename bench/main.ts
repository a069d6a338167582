import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, platform, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCores, pinSelf } from './harness/cores.ts';
import { numberedTargetFrom } from './harness/numbered-server.ts';
import type { Figures, Scenario } from './harness/scenario.ts';

const usage = `npm run bench -- NAME [--json FILE] [--seconds N] [--against FOLDER]... [--profile FOLDER]

  --json FILE        write the figures there
  --seconds N        time to measure, about (60, of ledger 300); 1 to 3600
  --against FOLDER   measure the Weir of another checkout too
  --profile FOLDER   write a CPU profile of each server there (its figures are then not comparable)

ledger, of any server in place of ours:

  --url URL                 of its graph, plain http
  --subscription DOCUMENT   whose events have a number
  --publish DOCUMENT        a mutation with the variable $number that emits one event with that number
  --number PATH             where the number stands in the data of an event, as in log.number
  --header 'NAME: VALUE'    sent with every request and handshake; may be repeated
  --init JSON               payload of connection_init
  --transports LIST         what clients read by: ws,sse
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const words = readWords();
  if (!words) return 2;
  const names = scenarioNames();
  const { name } = words;
  if (name === undefined || !names.includes(name)) {
    process.stdout.write(`${usage}\nScenarios:\n\n`);
    for (const known of names) console.log(`  ${known.padEnd(12)} ${(await load(known)).description}`);
    return name === undefined ? 0 : 2;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  if (words.profileFolder) mkdirSync(words.profileFolder, { recursive: true });
  const cores = chooseCores();
  if (cores) pinSelf(cores.others);
  try {
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    const { run, defaultSeconds = 60, takesTarget } = await load(name);
    if (words.target && !takesTarget) {
      console.error(`--url: expected with another scenario than ${name}`);
      return 2;
    }
    const { seconds = defaultSeconds } = words;
    const contestants = await run({ ...words, seconds, signal: stopping.signal, progress });
    printTable(contestants);
    const report = { scenario: name, machine: describeMachine(), commit: commitOf(), node: process.version };
    if (words.json) writeFileSync(words.json, `${JSON.stringify({ ...report, contestants }, null, 2)}\n`);
    return 0;
  } catch (thrown) {
    if (!stopping.signal.aborted) throw thrown;
    console.error(String(stopping.signal.reason));
    return 130;
  }
}

function readWords() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        seconds: { type: 'string' },
        against: { type: 'string', multiple: true, default: [] },
        profile: { type: 'string' },
        url: { type: 'string' },
        subscription: { type: 'string' },
        publish: { type: 'string' },
        number: { type: 'string' },
        header: { type: 'string', multiple: true, default: [] },
        init: { type: 'string' },
        transports: { type: 'string' },
      },
    });
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
    if (seconds !== undefined && !(seconds >= 1 && seconds <= 3600))
      throw new Error(`--seconds: expected 1 to 3600, got ${values.seconds}`);
    return {
      name: positionals[0],
      json: values.json,
      seconds,
      against: values.against.map((folder) => resolve(folder)),
      profileFolder: values.profile && resolve(values.profile),
      target: numberedTargetFrom({
        url: values.url,
        subscription: values.subscription,
        publish: values.publish,
        number: values.number,
        header: values.header,
        init: values.init,
        transports: values.transports,
      }),
    };
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : thrown}\n\n${usage}`);
    return null;
  }
}

function scenarioNames(): readonly string[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

async function load(name: string): Promise<Scenario> {
  const module: Record<string, Scenario> = await import(`./${name}.ts`);
  const scenario = module[name];
  if (!scenario) throw new Error(`bench/${name}.ts: expected an export "${name}"`);
  return scenario;
}

function printTable(rows: readonly Figures[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => cellOf(row[column])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  for (const line of lines) {
    const cells = line.map((cell, index) =>
      index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0),
    );
    console.log(cells.join('  '));
  }
}

function cellOf(value: string | number | readonly number[] | undefined): string {
  if (typeof value === 'number') return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  if (value === undefined || typeof value === 'string') return value ?? '';
  return value.map((part) => part.toFixed(2)).join(' … ');
}

function describeMachine(): string {
  const [first] = cpus();
  return `${first?.model.trim()} x ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()}`;
}

function commitOf(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      encoding: 'utf8',
    }).trim();
  } catch {
    // A copy without its history is measured all the same.
    return 'unknown';
  }
}
