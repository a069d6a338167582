/** Subscriptions that a gateway has ended because their readers were slow, by its own metrics. */
export async function countSlow(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const counts = text
    .split('\n')
    .filter((line) => line.startsWith('weir_') && line.includes('reason="slow"'))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return counts.reduce((sum, count) => sum + count, 0);
}
