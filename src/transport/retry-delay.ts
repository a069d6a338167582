/** Milliseconds: long enough for another instance to be there, and well within what clients retry for anyway (32 to 46 s). */
const bounds = { least: 1000, most: 6000 } as const;

/**
 * Milliseconds after which a client that is sent away may come back: by chance, so that those who were sent away together do
 * not come back together. `random` gives from 0 to below 1.
 */
export function retryDelayMs(random: () => number): number {
  return Math.round(bounds.least + random() * (bounds.most - bounds.least));
}
