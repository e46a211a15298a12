import { childFields } from "../walk-fields.ts";
import type { EmbeddedMapping, OutputField } from "./mapping.ts";

/** Where every field of the source went, and what of it is as it was. */
export class ColumnPaths {
  readonly #fields: readonly OutputField[];
  readonly #outputs = new Map<string, readonly string[]>();
  /** How many fields each group of the source has directly inside; undefined when that is not known. */
  readonly #sizes: ReadonlyMap<string, number> | undefined;

  constructor({ fields, sourcePaths }: EmbeddedMapping) {
    this.#fields = fields;
    this.#add(fields, []);
    if (sourcePaths === undefined) return;
    const sizes = new Map<string, number>();
    for (const path of sourcePaths) {
      const group = keyOf(path.slice(0, -1));
      sizes.set(group, (sizes.get(group) ?? 0) + 1);
    }
    this.#sizes = sizes;
  }

  /**
   * Path in the output of a field of the source, or undefined when it is gone. Of a field that is there twice (an
   * alias) the one that keeps its name counts, else the first.
   */
  find(source: readonly string[]): readonly string[] | undefined {
    return this.#outputs.get(keyOf(source));
  }

  /** Whether the values of a field and everything inside are as they were; its own name may be another. */
  isContentCarried(field: OutputField): boolean {
    const source = field.source?.path;
    if (source === undefined || field.retyped) return false;
    const children = childFields(field.type);
    const size = this.#sizes?.get(keyOf(source)) ?? children.length;
    return size === children.length && children.every((child) => this.#isCarried(child, source));
  }

  /** Whether the output's columns are the source's, in any order. */
  isEverythingCarried(): boolean {
    const size = this.#sizes?.get(keyOf([])) ?? this.#fields.length;
    return size === this.#fields.length && this.#fields.every((field) => this.#isCarried(field, []));
  }

  #isCarried(field: OutputField, above: readonly string[]): boolean {
    const path = field.source?.path ?? [];
    return keyOf(path) === keyOf([...above, field.name]) && this.isContentCarried(field);
  }

  #add(fields: readonly OutputField[], above: readonly string[]): void {
    for (const field of fields) {
      const path = [...above, field.name];
      const source = field.source?.path;
      if (source !== undefined) {
        const key = keyOf(source);
        if (!this.#outputs.has(key) || key === keyOf(path)) this.#outputs.set(key, path);
      }
      this.#add(childFields(field.type), path);
    }
  }
}

function keyOf(path: readonly string[]): string {
  return path.join("\0");
}
