// After npm install: adds to package-lock.json the packages of other platforms that the registry did not have. npm leaves them
// out, and then npm ci refuses the lock file on every machine. They get no integrity, as nobody has seen their bytes.
import { readFileSync, writeFileSync } from 'node:fs';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = {
  arm: 'arm',
  armv7: 'arm',
  arm64: 'arm64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
};
const libraries = { gnu: 'glibc', musl: 'musl' };

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const missing = Object.entries(lock.packages).flatMap(([path, entry]) => missingOf(path, entry));
for (const [path, entry] of missing) lock.packages[path] = entry;
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
console.log(
  missing.length === 0 ? 'nothing was missing' : `added ${missing.map(([path]) => path).join(', ')}`,
);

function missingOf(path, { optionalDependencies = {}, dev }) {
  return Object.entries(optionalDependencies)
    .filter(
      ([name]) =>
        !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    )
    .map(([name, range]) => [`node_modules/${name}`, entryOf(name, range, dev)]);
}

/** A package of one platform is named by it, for example "@biomejs/cli-linux-arm64-musl". */
function entryOf(name, range, dev) {
  const parts = name.replace('windows', 'win32').split(/[/-]/);
  const os = parts.find((part) => systems.includes(part));
  const cpu = parts.map((part) => processors[part]).find(Boolean);
  const libc = parts.map((part) => libraries[part]).find(Boolean);
  if (os === undefined) throw new Error(`${name}: expected a platform in its name: add its entry by hand`);
  return {
    version: range.replace(/^[~^]/, ''),
    ...(cpu && { cpu: [cpu] }),
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}
