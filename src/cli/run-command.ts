import { spawn } from "node:child_process";
import { ColonnadeError } from "../base/errors.ts";

export interface CommandRequest {
  readonly command: string;
  /** What the command reads on its standard input. */
  readonly input: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Passed on as SIGTERM; the command is waited for. */
  readonly signal: AbortSignal;
}

/**
 * Runs a command of the user's in a shell. Its output goes to our standard error: standard output carries results. Throws
 * `unavailable` `COMMAND_FAILED` when it does not end with 0.
 */
export async function runCommand({ command, input, variables, signal }: CommandRequest): Promise<void> {
  const child = spawn(command, { shell: true, env: variables, stdio: ["pipe", 2, 2] });
  const forward = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", forward, { once: true });
  if (signal.aborted) forward();
  try {
    // A command that does not read its input may be gone before we have written it.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    const { code, killedBy } = await new Promise<{ code: number | null; killedBy: string | null }>(
      (resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, killedBy) => resolve({ code, killedBy }));
      },
    );
    if (code === 0) return;
    throw new ColonnadeError("unavailable", "COMMAND_FAILED", "command failed; the generation comes again", {
      command,
      ...(code === null ? { signal: killedBy } : { exitCode: code }),
    });
  } catch (error) {
    if (error instanceof ColonnadeError) throw error;
    throw new ColonnadeError(
      "unavailable",
      "COMMAND_FAILED",
      "command could not be started; the generation comes again",
      { command },
      { cause: error },
    );
  } finally {
    signal.removeEventListener("abort", forward);
  }
}
