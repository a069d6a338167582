import { worstWindow } from './budget/history.ts';

/** The most that were let in beyond `perSecond` x window, over every window of a history of moments in order. */
export function mostBeyond(momentsMs: readonly number[], perSecond: number): number {
  const costUs = 1_000_000 / perSecond;
  const { excessUs } = worstWindow(momentsMs.map((ms) => ({ atUs: ms * 1000, costUs })));
  return excessUs / costUs;
}
