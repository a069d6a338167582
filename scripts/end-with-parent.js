// Preloaded into the parts that scripts/start.js runs (node --import): asks the process to stop when the one that started it
// is gone, however it ended. Its end of our standard input closes then.
process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
process.stdin.unref();
