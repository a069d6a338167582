/**
 * The longest that this thread computed in one turn of its event loop while `work` went on, in milliseconds of its CPU:
 * nobody else was answered for so long. What other processes take of the machine does not count.
 */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let longestUs = 0;
  let isOver = false;
  let before = process.threadCpuUsage();
  const turns = (async () => {
    while (!isOver) {
      await new Promise(setImmediate);
      const { user, system } = process.threadCpuUsage(before);
      longestUs = Math.max(longestUs, user + system);
      before = process.threadCpuUsage();
    }
  })();
  try {
    await work();
  } finally {
    isOver = true;
  }
  await turns;
  return longestUs / 1000;
}
