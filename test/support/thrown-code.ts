import { ColonnadeError } from "../../src/base/errors.ts";

/** The code of the ColonnadeError that `run` throws, "none" when it does not; anything else thrown is thrown on. */
export function thrownCode(run: () => unknown): string {
  try {
    run();
    return "none";
  } catch (error) {
    if (error instanceof ColonnadeError) return error.code;
    throw error;
  }
}

/** The same of a promise. */
export async function rejectedCode(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return thrownCode(() => {
    if (outcome !== undefined) throw outcome.error;
  });
}
