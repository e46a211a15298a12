import { table } from "../text/table.ts";
import { dim, red, text, type Text } from "../text/styled.ts";
import { detailWords } from "./details.ts";

export interface FailedObject {
  readonly object: string;
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Objects that cannot be migrated, and why. */
export function renderObjects(objects: readonly FailedObject[], columns: number): Text[] {
  return table(
    [{ title: "object", shrink: "cut" }, { title: "code" }, { title: "what is wrong", shrink: "wrap" }],
    objects.map(({ object, code, message, details = {} }) => [
      object,
      red(code),
      text`${message}${dim(detailWords(details, object))}`,
    ]),
    { width: columns },
  );
}
