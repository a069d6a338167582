import { type Logger, pino } from 'pino';

/** The log that stages write to: one JSON object a line. Tests pass one that collects. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

/** How much a log tells. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info';

/** A log of JSON lines on standard output, times as ISO 8601, errors with their causes. */
export function createLog(level: LogLevel): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: pino.stdSerializers.errWithCause },
  });
}
