import { systemClock } from "../../base/clock.ts";
import type { Screen } from "../text/screen.ts";
import type { Progress } from "./progress.ts";

/** Bars for a person, plain lines for a person's log file, one JSON line an event for a pod. */
export async function createProgress(err: Screen, asJson: boolean): Promise<Progress> {
  if (asJson) {
    const { createEventLog } = await import("./event-log.ts");
    return createEventLog((line) => err.write(line), systemClock);
  }
  const { createTerminalProgress } = await import("./terminal-progress.ts");
  return createTerminalProgress(err, systemClock);
}
