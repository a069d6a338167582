import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The lowest version of a release line that is without the fault, of each line that has one; lines before the first are refused. */
const floors: Readonly<Record<string, { readonly versions: readonly string[]; readonly because: string }>> = {
  '@grpc/grpc-js': {
    versions: ['1.14.4'],
    because: 'CVE-2026-48068, CVE-2026-48069: a message ends the process',
  },
  protobufjs: { versions: ['7.6.1', '8.4.1'], because: 'CVE-2026-41242: a descriptor runs code' },
  ws: { versions: ['8.21.1'], because: 'CVE-2026-48779: fragments without bound' },
  graphql: { versions: ['16.15.0', '17.1.0'], because: 'overlapping fields take seconds' },
  'graphql-yoga': { versions: ['5.21.3'], because: 'a multipart body pollutes prototypes' },
  jose: { versions: ['6.0.0'], because: 'CVE-2024-28176, CVE-2022-36083' },
  node: { versions: ['22.23.0', '24.0.0'], because: 'the security releases of 2026' },
};

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

const lock: Lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));

/** Whether `version` is of the line of a floor and not below it, or of a later line than all. */
function isSafe(version: string, versions: readonly string[]): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const lines = versions.map((floor) => floor.split('.').map(Number));
  const line = lines.find(([lineMajor]) => lineMajor === major);
  if (line === undefined) return lines.every(([lineMajor = 0]) => lineMajor < major);
  const [, floorMinor = 0, floorPatch = 0] = line;
  return minor > floorMinor || (minor === floorMinor && patch >= floorPatch);
}

/** Every version of a package that the lock has, wherever it lies. */
function versionsOf(name: string): readonly string[] {
  return Object.entries(lock.packages)
    .filter(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    .map(([, { version = 'none' }]) => version);
}

describe('the lock file', () => {
  it.each(Object.entries(floors))('has no %s below its floor', (name, { versions, because }) => {
    const found = versionsOf(name);
    expect(found).not.toEqual([]);
    const unsafe = found.filter((version) => !isSafe(version, versions));
    expect(unsafe, `${because}: expected ${versions.join(' or ')} or later`).toEqual([]);
  });

  it.each([
    ['1.14.3', ['1.14.4'], false],
    ['1.14.4', ['1.14.4'], true],
    ['1.15.0', ['1.14.4'], true],
    ['8.4.0', ['7.6.1', '8.4.1'], false],
    ['8.4.1', ['7.6.1', '8.4.1'], true],
    ['6.11.4', ['7.6.1', '8.4.1'], false],
    ['9.0.0', ['7.6.1', '8.4.1'], true],
    ['23.1.0', ['22.23.0', '24.0.0'], false],
  ])('counts %s against %j as %s', (version, versions, expected) => {
    expect(isSafe(version, versions)).toBe(expected);
  });
});
