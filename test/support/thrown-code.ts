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
