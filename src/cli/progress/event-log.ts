import { pino } from "pino";
import type { Clock } from "../../base/clock.ts";
import type { JobEvent } from "../../execute/job-context.ts";
import type { Progress } from "./progress.ts";

/** Bytes and footers move all the time: a log collector gets their sum every ten seconds. */
const heartbeatMs = 10_000;

/** One JSON line an event: `{ level, time, event, … }`. */
export function createEventLog(write: (line: string) => void, clock: Clock): Progress {
  const logger = pino(
    {
      base: null,
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  let lastMs = clock.monotonicMs();
  let copied = 0;
  let written = 0;
  let objectsDone = 0;
  let begun: string | undefined;
  const isDue = (): boolean => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lastMs < heartbeatMs) return false;
    lastMs = nowMs;
    return true;
  };

  return {
    begin(words) {
      if (words === begun) return;
      begun = words;
      logger.info({ event: "note", message: words });
    },
    handle(event: JobEvent) {
      switch (event.event) {
        case "bytes":
          copied += event.copied;
          written += event.written;
          if (isDue()) {
            logger.info({ event: "progress", objectsDone, bytesCopied: copied, bytesWritten: written });
          }
          return;
        case "footersRead":
          if (event.done === event.total || isDue()) logger.info(event);
          return;
        case "objectDone":
          objectsDone += 1;
          logger.info(event);
          return;
        case "objectFailed":
          logger.error(event);
          return;
        case "warning":
        case "lost":
          logger.warn(event);
          return;
        default:
          logger.info(event);
      }
    },
    advance({ label, ...step }) {
      if (step.done === step.total || isDue()) logger.info({ event: label, ...step });
    },
    note(message, details = {}) {
      logger.info({ event: "note", message, ...details });
    },
    pause() {},
  };
}
