import type { ColonnadeError } from "../../base/errors.ts";
import { exitCodes } from "../../base/errors.ts";
import { hintFor } from "../hints.ts";
import { pairs } from "../text/table.ts";
import { bold, cyan, dim, emptyLine, red, text, type Text, yellow } from "../text/styled.ts";
import { describeDetail } from "./details.ts";
import { type FailedObject, renderObjects } from "./objects.ts";

const objectsMax = 20;

/** An error as a log line or as `--json`: everything a program may want to match on. */
export function errorDocument(error: ColonnadeError): Record<string, unknown> {
  const hint = hintFor(error);
  return {
    event: "error",
    kind: error.kind,
    code: error.code,
    exitCode: exitCodes[error.kind],
    message: error.message,
    details: error.details,
    ...(hint === undefined ? {} : { hint }),
    ...(error.kind === "internal" && error.stack !== undefined
      ? { stack: causeOf(error)?.stack ?? error.stack }
      : {}),
  };
}

/** An error for a person: what is wrong, what is known about it, what to do. */
export function renderError(error: ColonnadeError, columns: number): Text[] {
  // Who pressed Ctrl-C made no mistake.
  if (error.kind === "cancelled") return [text`${yellow("stopped")}: the same command again resumes`];
  const failed = asObjects(error.details["objects"]);
  const hint = hintFor(error);
  const cause = causeOf(error);
  return [
    text`${bold(red("error:"))} ${bold(error.message)} ${dim(error.code)}`,
    ...pairs(detailPairs(error, failed !== undefined), { width: columns }),
    ...(failed === undefined
      ? []
      : [emptyLine, ...renderObjects(failed.slice(0, objectsMax), columns), ...moreObjects(failed.length)]),
    ...(error.kind === "internal" ? [emptyLine, ...stackLines(cause?.stack ?? error.stack ?? "")] : []),
    ...(hint === undefined ? [] : [emptyLine, text`${cyan("hint:")} ${hint}`]),
  ];
}

function detailPairs(error: ColonnadeError, hasTable: boolean): [string, string][] {
  // What is in them, the message and the hint say already.
  if (error.code === "USAGE") return [];
  const cause = error.kind === "internal" ? undefined : causeOf(error);
  return [
    ...Object.entries(error.details)
      .filter(([name, value]) => value !== undefined && !(hasTable && name === "objects"))
      .map(([name, value]): [string, string] => [name, describeDetail(value)]),
    ...(cause === undefined ? [] : [["cause", cause.message] as [string, string]]),
  ];
}

function stackLines(stack: string): Text[] {
  return stack.split("\n").map((line) => text`  ${dim(line.trim())}`);
}

function moreObjects(count: number): Text[] {
  return count <= objectsMax ? [] : [text`  ${dim(`and ${count - objectsMax} more; --json has them all`)}`];
}

function causeOf(error: ColonnadeError): Error | undefined {
  const { cause } = error;
  return cause instanceof Error && cause.message !== error.message ? cause : undefined;
}

function asObjects(value: unknown): FailedObject[] | undefined {
  return Array.isArray(value) && value.length > 0 && value.every(isFailedObject) ? value : undefined;
}

function isFailedObject(value: unknown): value is FailedObject {
  return (
    typeof value === "object" && value !== null && "object" in value && "code" in value && "message" in value
  );
}
