// Generates upstream-protos/gen from the protos; with --check it only says whether the committed files are what would come out.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const generated = 'upstream-protos/gen';

if (process.argv[2] === '--check') check();
else generate('.');

function generate(folder) {
  const template = ['--template', 'upstream-protos/buf.gen.yaml'];
  execFileSync('buf', ['generate', 'upstream-protos', ...template, '--output', folder], { stdio: 'inherit' });
}

function check() {
  const folder = mkdtempSync(join(tmpdir(), 'weir-generate-'));
  try {
    generate(folder);
    const stale = differences(readTree(generated), readTree(join(folder, generated)));
    if (stale.length === 0) return;
    console.error(`Not as generated (npm run generate makes them so): ${stale.join(', ')}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths whose bytes differ or that are on one side only. */
export function differences(left, right) {
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path))
    .sort();
}

function readTree(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}
