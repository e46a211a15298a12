import type { Clock } from "../../base/clock.ts";
import type { JobEvent } from "../../execute/job-context.ts";
import { cutMiddle, takeStart } from "../text/measure.ts";
import type { Screen } from "../text/screen.ts";
import { dim, green, red, text, type Text, yellow } from "../text/styled.ts";
import { countOf } from "../text/units.ts";
import { CountPhase, ObjectsPhase, type Phase, waiting } from "./phases.ts";
import type { Progress } from "./progress.ts";

/** Ten pictures a second move smoothly, and cost nothing. */
const frameMs = 100;

/**
 * One live line at the bottom of the terminal, redrawn in place; what is worth keeping is printed above it. Without a
 * terminal only the latter.
 */
export function createTerminalProgress(screen: Screen, clock: Clock): Progress {
  const live = createLiveLine(screen);
  let objects: ObjectsPhase | undefined;
  let count: CountPhase | undefined;

  function keep(line: Text): void {
    live.hide();
    screen.print(screen.isTerminal ? cutMiddle(line, screen.columns) : line);
  }

  function advance(label: string, done: number, total: number, bytes?: number): void {
    const step = { label, done, total, ...(bytes === undefined ? {} : { bytes }) };
    if (count?.label !== label) count = new CountPhase(clock, step);
    count.advance(step);
    live.show(done === total ? undefined : count);
    if (done === total) count = undefined;
  }

  function handle(event: JobEvent): void {
    switch (event.event) {
      case "listed":
        return live.show(undefined);
      case "footersRead":
        return advance("footers", event.done, event.total);
      case "started":
        objects = new ObjectsPhase(clock, event);
        live.show(event.objects === 0 ? undefined : objects);
        if (event.resumed > 0) {
          keep(text`${green("✓")} ${countOf(event.resumed, "object")} done already by an earlier run`);
        }
        return;
      case "bytes":
        return objects?.addBytes(event.copied + event.written);
      case "objectDone":
        return objects?.finish(event.bytesCopied + event.bytesRewritten);
      case "objectFailed":
        objects?.fail();
        return keep(text`${red("✗")} ${event.object}: ${event.message} ${dim(event.code)}`);
      case "publishing":
        if (objects !== undefined && objects.objects > 0) keep(objects.summary());
        return live.show(waiting(`publishing ${countOf(event.objects, "object")}`, clock));
      case "lost":
        return keep(
          text`${yellow("!")} another job committed generation ${event.generation} meanwhile: ${decisionWords(event.decision)}`,
        );
      case "committed":
        return live.show(undefined);
      case "warning":
        return keep(text`${yellow("!")} ${event.message}`);
    }
  }

  return {
    begin: (words) => live.show(waiting(words, clock)),
    handle,
    advance: ({ label, done, total, bytes }) => advance(label, done, total, bytes),
    note: (message) => keep(text`${yellow("!")} ${message}`),
    pause: () => live.show(undefined),
  };
}

function decisionWords(decision: string): string {
  if (decision === "accept") return "it published the same content, nothing is left to do";
  if (decision === "rebase") return "our work still holds and follows it";
  return "it changed what we built upon";
}

interface LiveLine {
  /** What to draw from now on, in the next picture; undefined: nothing. */
  show(phase: Phase | undefined): void;
  /** Until the next picture, so that something can be printed. */
  hide(): void;
}

function createLiveLine(screen: Screen): LiveLine {
  let phase: Phase | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isDrawn = false;

  function hide(): void {
    if (isDrawn) screen.write("\r\u001B[K");
    isDrawn = false;
  }

  function draw(): void {
    if (phase === undefined) return;
    // The last column stays free: writing there makes some terminals wrap.
    const line = takeStart(phase.render(screen.columns - 1), screen.columns - 1);
    screen.write(`\r${screen.paint(line)}\u001B[K`);
    isDrawn = true;
  }

  return {
    show(next) {
      phase = next;
      if (phase !== undefined && screen.isTerminal) {
        timer ??= setInterval(draw, frameMs).unref();
        return;
      }
      clearInterval(timer);
      timer = undefined;
      hide();
    },
    hide,
  };
}
