import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, startNode } from '../kit/child.ts';

/** Says that it is ready, and goes on until it is asked to stop. */
const goodPart = (name: string) =>
  `process.once('SIGTERM', () => { console.log('${name} stops'); process.exit(0); });
   console.log('${name} ready on ${name}:1');
   setInterval(() => {}, 1000);`;

const children: Child[] = [];
afterEach(async () => {
  for (const child of children) child.process.kill('SIGTERM');
  await Promise.all(children.splice(0).map(({ ended }) => ended));
});

/** A process that supervises parts, each a program text. */
function startSupervisor(parts: Readonly<Record<string, string>>): Child {
  const program = `
    import { supervise } from './scripts/supervise.js';
    const parts = Object.entries(${JSON.stringify(parts)}).map(([name, text]) => ({
      name,
      command: process.execPath,
      args: ['--eval', text],
      environment: (addresses) => ({ ...process.env, ADDRESSES: JSON.stringify(addresses) }),
    }));
    process.exitCode = await supervise(parts, (addresses) => console.log('all', JSON.stringify(addresses)));`;
  const child = startNode(['--input-type=module', '--eval', program]);
  children.push(child);
  return child;
}

describe('supervise()', () => {
  it('starts a part when the one before it is ready, and tells it the address', async () => {
    const second = `console.log('second got', process.env.ADDRESSES); ${goodPart('second')}`;
    const child = startSupervisor({ first: goodPart('first'), second });
    const output = await child.printed(/^all .*$/m);
    expect(output).toContain('second got {"first":"first:1"}');
    expect(output).toContain('all {"first":"first:1","second":"second:1"}');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops the last part first and ends with 0 when it gets %s',
    async (signal) => {
      const child = startSupervisor({ first: goodPart('first'), second: goodPart('second') });
      await child.printed(/^all/m);
      child.process.kill(signal);
      // npm passes a signal on that the terminal has sent already.
      child.process.kill(signal);
      expect(await child.ended).toBe(0);
      expect(child.output()).toMatch(/second stops\nfirst stops\n$/);
    },
  );

  it('stops the others and ends with 1 when a part ends', async () => {
    const dying = `${goodPart('second')} setTimeout(() => process.exit(3), 100);`;
    const child = startSupervisor({ first: goodPart('first'), second: dying });
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain('The second ended (exit code 3), so everything stops.');
    expect(child.output()).toContain('first stops');
  });

  it("adds nothing to a part's own complaint when the part never gets ready", async () => {
    const child = startSupervisor({
      first: goodPart('first'),
      second: "console.error('no port'); process.exit(1);",
    });
    expect(await child.ended).toBe(1);
    expect(child.output()).toBe('first ready on first:1\nno port\nfirst stops\n');
  });

  it('leaves no part behind when it is killed and the parts end with it', async () => {
    const listen =
      "require('net').createServer().listen(0, function () { console.log('port', this.address().port); })";
    const part = `import('./scripts/end-with-parent.js'); ${listen}; ${goodPart('only')}`;
    const child = startSupervisor({ only: part });
    const port = Number(/^port (\d+)$/m.exec(await child.printed(/^port \d+$/m))?.[1]);
    expect(await accepts(port)).toBe(true);
    child.process.kill('SIGKILL');
    await expect.poll(() => accepts(port)).toBe(false);
  });

  it('ends with 1 when a program is missing', async () => {
    const program = `import { supervise } from './scripts/supervise.js';
      process.exitCode = await supervise([{ name: 'nothing', command: './no-such-program', args: [] }]);`;
    const child = startNode(['--input-type=module', '--eval', program]);
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain('The nothing ended');
  });
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
