import type { ColonnadeError } from "../../base/errors.ts";
import { exitCodes } from "../../base/errors.ts";
import { hintFor } from "../hints.ts";
import { wrap } from "../text/measure.ts";
import { pairs } from "../text/table.ts";
import { bold, cyan, dim, emptyLine, red, text, type Text } from "../text/styled.ts";
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
  const { objects, ...details } = error.details;
  const failed = asObjects(objects);
  const shown = Object.entries(failed === undefined ? error.details : details).filter(
    ([, value]) => value !== undefined,
  );
  const hint = hintFor(error);
  const cause = causeOf(error);
  const width = Math.min(columns, 120);
  return [
    ...wrap(text`${bold(red("error:"))} ${bold(error.message)} ${dim(`(${error.code})`)}`, columns),
    ...pairs(
      [
        ...shown.map(([name, value]) => [name, describeDetail(value)] as const),
        ...(cause === undefined || error.kind === "internal" ? [] : [["cause", cause.message] as const]),
      ],
      { width: columns },
    ),
    ...(failed === undefined
      ? []
      : [emptyLine, ...renderObjects(failed.slice(0, objectsMax), columns), ...moreObjects(failed.length)]),
    ...(error.kind === "internal" ? [emptyLine, ...stackLines(cause?.stack ?? error.stack ?? "")] : []),
    ...(hint === undefined ? [] : [emptyLine, ...wrap(text`${cyan("hint:")} ${hint}`, width)]),
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
  return cause instanceof Error && cause.message !== "" && cause.message !== error.message
    ? cause
    : cause instanceof Error && error.kind === "internal"
      ? cause
      : undefined;
}

function asObjects(value: unknown): FailedObject[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isObject = (one: unknown): one is FailedObject =>
    typeof one === "object" && one !== null && "object" in one && "code" in one && "message" in one;
  return value.every(isObject) ? value : undefined;
}
