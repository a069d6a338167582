import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  cycleFaults,
  dependencyFloors,
  domainWordFaults,
  environmentFaults,
  type Faults,
  floorFaults,
  importsOf,
  type Lock,
  lockFaults,
  maxFileLines,
  maxFunctionLines,
  namingFaults,
  protoTypeNames,
  rankFaults,
  type SourceFile,
  sizeFaults,
} from './kit/architecture.ts';

const engine = read('src/**/*.ts');
const around = read('{schema,loaders,upstreams,seed}/**/*.ts', 'scripts/*.js', '*.config.ts');
const written = [...engine, ...around];
const generated = read('upstream-protos/gen/**/*.ts');
const tests = read('{test,bench}/**/*.ts');
const protos = read('upstream-protos/shop/**/*.proto');
const lock: Lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const placed = written.filter(({ path }) => path !== 'vitest.config.ts');

describe('the house', () => {
  it('has files in all of its parts, so that no rule holds for want of them', () => {
    for (const files of [engine, around, generated, tests, protos]) expect(files).not.toHaveLength(0);
  });

  it('imports lower ranks only', () => {
    expect(rankFaults([...placed, ...generated])).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(cycleFaults([...written, ...generated, ...tests])).toEqual([]);
  });

  it('reads process.env in src/config/config.ts and upstreams/main.ts alone', () => {
    expect(environmentFaults(written)).toEqual([]);
  });

  it('has no word of the shop in src/', () => {
    expect(domainWordFaults(engine, protoTypeNames(protos))).toEqual([]);
  });

  it('has names that say something, and no default exports', () => {
    expect(namingFaults(written)).toEqual([]);
  });

  it(`has files of at most ${maxFileLines} lines and functions of at most ${maxFunctionLines}, or says why not`, () => {
    expect(sizeFaults(written)).toEqual([]);
  });

  it('stands on dependencies without known holes', () => {
    expect(floorFaults(lock)).toEqual([]);
  });

  it('has a lock file that works on other machines', () => {
    expect(lockFaults(lock)).toEqual([]);
    // Put together here so that this file does not name it either.
    const registry = ['registry', 'npmjs', 'org'].join('.');
    const texts = [
      ...placed,
      ...around,
      ...tests,
      ...protos,
      ...read('*.{json,md}', '.npmrc', 'docs/**/*.md'),
    ];
    expect(texts.filter(({ source }) => source.includes(registry)).map(({ path }) => path)).toEqual([]);
  });
});

describe('importsOf()', () => {
  it('finds every form of import when the file is formatted', () => {
    const source = [
      "import { a } from './a.ts';",
      "import type { B } from './b.ts';",
      "import './c.ts';",
      "import {\n  d,\n  type E,\n} from './d.ts';",
      "export * from './e.ts';",
      "export type { F } from './f.ts';",
      "import g, { h } from './g.ts';",
      "const i = await import('./i.ts');",
      'const text = "import \'./not-this.ts\'";',
    ].join('\n');
    const values = ['./a.ts', './c.ts', './d.ts', './e.ts', './g.ts', './i.ts'];
    const found = importsOf(file('src/x.ts', source));
    expect(specifiers(found, false)).toEqual(values);
    expect(specifiers(found, true)).toEqual(['./b.ts', './f.ts']);
  });
});

describe('rankFaults()', () => {
  it.each([
    ['src/errors.ts', "import { x } from './signal.ts';"],
    ['src/observe/log.ts', "import { x } from '../batch/loader.ts';"],
    ['src/batch/loader.ts', "import type { X } from '../upstream/call.ts';"],
    ['src/operation/context.ts', "import { x } from '../config/config.ts';"],
    ['src/guard/cost.ts', "import { x } from '../transport/http.ts';"],
    ['src/gateway.ts', "import { x } from './index.ts';"],
    ['src/transport/http.ts', "import { x } from '../../schema/index.ts';"],
    ['src/cli/main.ts', "const x = await import('../../test/kit/x.ts');"],
    ['src/stray.ts', "import { x } from './errors.ts';"],
    ['schema/user.ts', "import { User } from '../upstream-protos/gen/shop/users/v1/users.ts';"],
    ['schema/user.ts', "import { x } from '../src/gateway.ts';"],
    ['loaders/users.ts', "import { x } from '../schema/index.ts';"],
    ['loaders/users.ts', "import { x } from '../src/batch/loader.ts';"],
    ['upstreams/users.ts', "import { x } from '../src/index.ts';"],
    ['seed/users.ts', "import { x } from '../upstreams/store.ts';"],
    ['weir.config.ts', "import { x } from './schema/user.ts';"],
  ])('finds a fault when %s has %s', (path, source) => {
    expect(rankFaults([file(path, source)])).toHaveLength(1);
  });

  it.each([
    ['src/signal.ts', "import type { X } from './clock.ts';"],
    ['src/batch/loader.ts', "import { x } from './align.ts';\nimport { y } from '../observe/timeline.ts';"],
    ['schema/user.ts', "import type { User } from '../upstream-protos/gen/shop/users/v1/users.ts';"],
    ['loaders/users.ts', "import { x } from '../upstream-protos/gen/shop/users/v1/users.ts';"],
    ['weir.config.ts', "import { schema } from './schema/index.ts';"],
    ['src/cli/main.ts', "import { x } from '../gateway.ts';\nimport pg from 'pg';"],
  ])('finds nothing when %s has %s', (path, source) => {
    expect(rankFaults([file(path, source)])).toEqual([]);
  });
});

describe('cycleFaults()', () => {
  it('names the circle when three files make one', () => {
    const files = [
      file('src/a.ts', "import { b } from './b.ts';"),
      file('src/b.ts', "import type { C } from './c.ts';"),
      file('src/c.ts', "import { a } from './a.ts';"),
    ];
    expect(cycleFaults(files)).toEqual(['src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts']);
  });

  it('finds nothing when two paths lead to one file', () => {
    const files = [
      file('src/a.ts', "import { b } from './b.ts';\nimport { c } from './c.ts';"),
      file('src/b.ts', "import { c } from './c.ts';"),
      file('src/c.ts', ''),
    ];
    expect(cycleFaults(files)).toEqual([]);
  });
});

describe('environmentFaults()', () => {
  const environment = ['process', 'env'];

  it.each([
    `const port = ${environment.join('.')}.PORT;`,
    `const port = ${environment[0]}['env'].PORT;`,
    `const { env } = ${environment[0]};`,
    "import { argv, env } from 'node:process';",
  ])('finds a fault when a file has %s', (source) => {
    expect(environmentFaults([file('src/gateway.ts', source)])).toHaveLength(1);
    expect(environmentFaults([file('src/config/config.ts', source)])).toEqual([]);
  });

  it('finds nothing when a start script hands it on, and a fault when another file does', () => {
    const source = `spawn(x, { env: { ...${environment.join('.')} } });`;
    expect(environmentFaults([file('scripts/start.js', source)])).toEqual([]);
    expect(environmentFaults([file('src/gateway.ts', source)])).toHaveLength(1);
  });

  it('finds nothing when a comment speaks of it', () => {
    expect(
      environmentFaults([file('src/gateway.ts', ` * As ${environment.join('.')} has them. */`)]),
    ).toEqual([]);
  });
});

describe('domainWordFaults()', () => {
  const names = ['Order', 'User', 'OrderService', 'PageInfo', 'Message'];

  it.each([
    'new Order()',
    '/** One User. */',
    'listUsers; Users',
    'const productId = 1;',
    "'shop.orders'",
    'CHAT',
  ])('finds a fault when the engine says %s', (source) => {
    expect(domainWordFaults([file('src/x.ts', source)], names)).toHaveLength(1);
  });

  it.each([
    "headers['User-Agent']",
    'in the order of',
    'PageInfo',
    'production',
    'BAD_USER_INPUT',
    'a Message',
  ])('finds nothing when the engine says %s', (source) => {
    expect(domainWordFaults([file('src/x.ts', source)], names)).toEqual([]);
  });

  it('reads the names from the protos', () => {
    expect(protoTypeNames(protos)).toEqual(
      expect.arrayContaining(['Order', 'UserService', 'LoyaltyTier', 'Money']),
    );
  });
});

describe('namingFaults()', () => {
  it.each([
    ['src/x.ts', 'export default 1;'],
    ['src/x.ts', 'export { x as default };'],
    ['src/utils.ts', ''],
    ['src/batch/utils/x.ts', ''],
    ['src/string-util.ts', ''],
    ['src/fooBar.ts', ''],
  ])('finds a fault in %s with "%s"', (path, source) => {
    expect(namingFaults([file(path, source)])).toHaveLength(1);
  });

  it('finds nothing when a configuration file has a default export', () => {
    expect(namingFaults([file('weir.config.ts', 'export default {};')])).toEqual([]);
  });
});

describe('sizeFaults()', () => {
  const fileOf = (lines: number) => file('src/x.ts', `${'// x\n'.repeat(lines)}`);
  const functionOf = (lines: number, head: string) =>
    file('src/x.ts', `  ${head}\n${'    x();\n'.repeat(lines - 2)}  }\n`);

  it('finds a fault when a file is over the ceiling, and none at it', () => {
    expect(sizeFaults([fileOf(maxFileLines)])).toEqual([]);
    expect(sizeFaults([fileOf(maxFileLines + 1)])).toHaveLength(1);
  });

  it('finds nothing when a long file says why', () => {
    expect(sizeFaults([file('src/x.ts', `/* Over 300 lines: a table. */\n${'x\n'.repeat(400)}`)])).toEqual(
      [],
    );
  });

  it.each(['function f() {', 'const f = (x: X) => {', 'async run(x): Promise<void> {', '): Result<X> {'])(
    'finds a fault when a function that starts with %s is over the ceiling, and none at it',
    (head) => {
      expect(sizeFaults([functionOf(maxFunctionLines, head)])).toEqual([]);
      expect(sizeFaults([functionOf(maxFunctionLines + 1, head)])).toHaveLength(1);
    },
  );

  it('finds nothing when a long function says why', () => {
    const { path, source } = functionOf(200, 'function f() {');
    expect(sizeFaults([file(path, `  // Over 60 lines: one table.\n${source}`)])).toEqual([]);
  });
});

describe('floorFaults()', () => {
  it.each([
    ['ws', '8.21.0'],
    ['protobufjs', '8.4.0'],
    ['protobufjs', '7.6.0'],
    ['graphql', '15.10.0'],
    ['graphql', '17.0.9'],
    ['node', '23.11.0'],
  ])('finds a fault when %s is %s', (name, version) => {
    expect(floorFaults({ packages: { [`node_modules/x/node_modules/${name}`]: { version } } })).toHaveLength(
      1,
    );
  });

  it.each(Object.entries(dependencyFloors))('finds nothing when %s is at %s', (name, floors) => {
    for (const version of floors)
      expect(floorFaults({ packages: { [`node_modules/${name}`]: { version } } })).toEqual([]);
  });
});

describe('lockFaults()', () => {
  it('finds a fault when a package names its address or a platform is left out', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example/a.tgz' },
      'node_modules/b': { version: '1.0.0', optionalDependencies: { 'b-linux': '1.0.0' } },
    };
    expect(lockFaults({ packages })).toHaveLength(2);
  });
});

function read(...patterns: readonly string[]): readonly SourceFile[] {
  return globSync([...patterns])
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), source: readFileSync(path, 'utf8') }));
}

function file(path: string, source: string): SourceFile {
  return { path, source };
}

function specifiers(imports: ReturnType<typeof importsOf>, isTypeOnly: boolean): Faults {
  return imports.filter((found) => found.isTypeOnly === isTypeOnly).map(({ specifier }) => specifier);
}
