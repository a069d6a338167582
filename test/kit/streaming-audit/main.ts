// npm run audit: audits the streams of any GraphQL server. Exit code 1: it breaks a MUST; 2: the command line is wrong, or nobody is there.
import { writeFileSync } from 'node:fs';
import { readCommandLine, usage } from './command-line.ts';
import { type AuditResult, isCompliant, isThere, runAudits } from './run-audits.ts';

const withoutPublish =
  'No --publish was given, so that events have to come by themselves: an audit that waited for one in vain has failed.';

process.exitCode = await main();

async function main(): Promise<number> {
  const read = readCommandLine(process.argv.slice(2));
  if ('help' in read) {
    process.stdout.write(usage);
    return 0;
  }
  if ('fault' in read) {
    console.error(`${read.fault}\n\n${usage}`);
    return 2;
  }
  if (!(await isThere(read.target.url))) {
    console.error(`${read.target.url.href}: nobody takes connections there`);
    return 2;
  }
  const results = await runAudits(read.target, read.required ? { required: read.required } : {});
  for (const line of tableFrom(results)) console.log(line);
  const mayWaitInVain = !read.target.emitter.isCaused && results.some(({ status }) => status === 'failed');
  if (mayWaitInVain) console.log(withoutPublish);
  const passes = isCompliant(results);
  const report = { url: read.target.url.href, node: process.version, passes, results };
  if (read.jsonFile) writeFileSync(read.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  return passes ? 0 : 1;
}

function tableFrom(results: readonly AuditResult[]): string[] {
  const idWidth = Math.max(...results.map(({ id }) => id.length));
  const absent = new Map(
    results.flatMap(({ status, transport, reason }) =>
      status === 'absent' ? [[transport, reason] as const] : [],
    ),
  );
  const lines = results.flatMap((result) => {
    const { id, status, level, name, source } = result;
    const head = `${status.padEnd(7)}  ${id.padEnd(idWidth)}  ${level.padEnd(6)}  ${name}`;
    if (status === 'absent') return [];
    if (status === 'ok') return [head];
    const indent = ' '.repeat(9 + idWidth + 2);
    if (status === 'skipped') return [head, `${indent}skipped: ${result.reason}`];
    return [
      head,
      `${indent}expected ${result.expected}`,
      `${indent}came     ${result.came}`,
      `${indent}${source}`,
    ];
  });
  const count = (status: AuditResult['status']) =>
    results.filter((result) => result.status === status).length;
  const broken = results.filter(({ status, level }) => status === 'failed' && level === 'MUST').length;
  const sum = `${count('ok')} ok, ${count('failed')} failed (${broken} MUST), ${count('skipped')} skipped`;
  const lacks = Array.from(absent, ([transport, reason]) => `absent   ${transport}: ${reason}`);
  return [...lines, ...lacks, '', sum];
}
