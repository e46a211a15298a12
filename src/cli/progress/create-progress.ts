import { systemClock } from "../../base/clock.ts";
import type { Session } from "../session.ts";
import type { Progress } from "./progress.ts";

/** Bars for a person, plain lines for a person's log file, one JSON line an event for a pod. */
export async function createProgress(session: Session): Promise<Progress> {
  if (session.logsJson) {
    const { createEventLog } = await import("./event-log.ts");
    return createEventLog((line) => session.err.write(line), systemClock);
  }
  const { createTerminalProgress } = await import("./terminal-progress.ts");
  return createTerminalProgress(session.err, systemClock);
}
