// npm run check: everything that needs no running program. Every step runs, whatever became of those before it.
import { spawnSync } from 'node:child_process';

const protos = 'upstream-protos';
const steps = [
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'lint and format', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'generated files', command: ['node', 'scripts/generate.js', '--check'] },
  { name: 'proto lint', command: ['buf', 'lint', protos] },
  {
    name: 'proto compatibility',
    command: ['buf', 'breaking', protos, '--against', `${protos}/baseline.binpb`],
  },
  {
    name: 'architecture, schemas and tables of documents',
    command: ['vitest', 'run', '--project', 'engine', 'test/architecture.test.ts', 'test/docs.test.ts'],
  },
];

const failed = steps.filter((step) => !passes(step));
console.log(
  failed.length === 0
    ? `check: all ${steps.length} passed`
    : `check: ${failed.length} of ${steps.length} failed: ${failed.map(({ name }) => name).join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function passes({ name, command: [program, ...args] }) {
  const startMs = performance.now();
  const result = spawnSync(program, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (result.error) console.error(result.error.message);
  console.log(`${result.status === 0 ? 'passed' : 'FAILED'}  ${name}  ${seconds} s`);
  return result.status === 0;
}
