import { z } from "zod";
import type { ColonnadeError } from "../base/errors.ts";
import { didYouMean, nearest } from "../base/nearest.ts";
import { explainProblems } from "./parse-yaml.ts";
import type { YamlDocument, YamlProblem } from "./parse-yaml.ts";

/**
 * What zod found in a YAML document as one error that names file, line and column; for an unknown key the nearest
 * right one is suggested. No message repeats a value of the document: it may be a secret that was expanded from
 * the environment.
 */
export function explainZodError(
  error: z.ZodError,
  document: YamlDocument,
  schema: z.ZodType,
): ColonnadeError {
  const problems = error.issues.flatMap((issue) => problemsOf(issue, issue.path, schema));
  // A key that was only mistyped is not reported as missing as well.
  const mistyped = new Set(problems.map((problem) => problem.meant).filter((key) => key !== undefined));
  return explainProblems(
    document,
    problems.filter(({ missing }) => missing === undefined || !mistyped.has(missing)),
  );
}

interface ZodProblem extends YamlProblem {
  /** The path of the key that is missing. */
  readonly missing?: string;
  /** The path of the key that an unknown one was probably meant to be. */
  readonly meant?: string;
}

function problemsOf(issue: z.core.$ZodIssue, path: readonly PropertyKey[], schema: z.ZodType): ZodProblem[] {
  const name = path.length === 0 ? "the document" : spellPath(path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysAt(schema, path);
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        return {
          path: [...path, key],
          atKey: true,
          message: `unknown key ${JSON.stringify(key)}${didYouMean(key, known)}`,
          ...(near === undefined ? {} : { meant: spellPath([...path, near]) }),
        };
      });
    }
    case "invalid_type": {
      if (/received undefined/.test(issue.message))
        return [{ path: path.slice(0, -1), message: `${name} is missing`, missing: name }];
      return [{ path, message: `${name} is not ${article(issue.expected)}` }];
    }
    case "invalid_value":
      return [{ path, message: `${name} is none of ${issue.values.map(String).join(", ")}` }];
    case "invalid_union": {
      // The branch that got furthest is the one that was meant.
      const branches = issue.errors.map((issues) =>
        issues.flatMap((inner) => problemsOf(inner, [...path, ...inner.path], schema)),
      );
      const depth = (problems: ZodProblem[]): number => Math.max(0, ...problems.map((p) => p.path.length));
      const best = branches.toSorted((a, b) => depth(b) - depth(a))[0];
      if (best === undefined || depth(best) <= path.length) {
        return [{ path, message: `${name} is ${neither(issue.errors.flat())}` }];
      }
      return best;
    }
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "invalid_key":
    case "not_multiple_of":
    case "too_big":
    case "too_small":
      return [
        { path, message: `${name}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}` },
      ];
  }
}

/** `neither an integer nor detect`, from what each branch of a union expected. */
function neither(issues: readonly z.core.$ZodIssue[]): string {
  const expected = issues.map((issue) =>
    issue.code === "invalid_type"
      ? article(issue.expected)
      : issue.code === "invalid_value"
        ? issue.values.map(String).join(" nor ")
        : issue.message.toLowerCase(),
  );
  return `neither ${expected.join(" nor ")}`;
}

function article(expected: string): string {
  const word =
    expected === "int"
      ? "integer"
      : expected === "object"
        ? "mapping"
        : expected === "array"
          ? "list"
          : expected;
  return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
}

/** `fields[2].cast.onInvalid`. */
export function spellPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** The keys that the schema knows at a path: what a mistyped one may have meant. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType[] = [schema];
  for (const key of path) at = at.flatMap((type) => membersOf(type, key));
  return at.flatMap((type) =>
    unwrap(type).flatMap((inner) => (inner instanceof z.ZodObject ? Object.keys(inner.shape) : [])),
  );
}

function membersOf(type: z.core.$ZodType, key: PropertyKey): z.core.$ZodType[] {
  return unwrap(type).flatMap((inner) => {
    if (inner instanceof z.ZodObject) {
      const shape: Record<string, z.core.$ZodType> = inner.shape;
      const member = shape[String(key)];
      return member === undefined ? [] : [member];
    }
    if (inner instanceof z.ZodArray) return [inner.element];
    if (inner instanceof z.ZodRecord) return [inner.valueType];
    return [];
  });
}

/** The types behind optional, default, nullable, pipe, lazy and union. */
function unwrap(type: z.core.$ZodType): z.core.$ZodType[] {
  if (type instanceof z.ZodOptional || type instanceof z.ZodNullable || type instanceof z.ZodLazy) {
    return unwrap(type.unwrap());
  }
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) return unwrap(type.unwrap());
  if (type instanceof z.ZodPipe) return [...unwrap(type.in), ...unwrap(type.out)];
  if (type instanceof z.ZodUnion) return type.options.flatMap(unwrap);
  return [type];
}
