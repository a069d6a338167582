// Counts what vitest reported, with each command as one more test: it can fail though all tests pass (coverage, an error
// outside any test), and `check` is no test at all.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [reportFile, ...commands] = process.argv.slice(2);
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = readReport();
const failedCommands = commands
  .map((command) => command.split('='))
  .filter(([, exitCode]) => exitCode !== '0');
const failed = numFailedTests + failedCommands.length;
const passed = numPassedTests + commands.length - failedCommands.length;
const skipped = numPendingTests + numTodoTests;

// Last, so that they are seen where only the end of the output is kept.
for (const { name, assertionResults } of testResults) {
  for (const { fullName } of assertionResults.filter(({ status }) => status === 'failed')) {
    console.log(`failed: ${relative('.', name)}: ${fullName}`);
  }
}
for (const [name, exitCode] of failedCommands) console.log(`${name} failed with exit code ${exitCode}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;

function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    // There is none when set-up failed; the command's own exit code tells of that.
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}
