import type { Position } from './broker.ts';
import type { TopicMode } from './topic.ts';

/** What to do with an announcement: `verify` means that something before it is missing or its history is another. */
export type Verdict = 'deliver' | 'drop' | 'verify';

/** Judges an announced position by what has been delivered: pure, so that a test can break it and see the ledger fail. */
export type Judge = (mode: TopicMode, delivered: Position, announced: Position) => Verdict;

/** The rule of delivery: each offset once, none skipped (`latest` may skip to a newer one), never across epochs unverified. */
export const judgeContiguity: Judge = (mode, delivered, announced) => {
  if (announced.epoch !== delivered.epoch) return 'verify';
  if (announced.offset <= delivered.offset) return 'drop';
  return mode === 'latest' || announced.offset === delivered.offset + 1 ? 'deliver' : 'verify';
};
