import type { TypeOf } from "../schema-version.ts";

/** What an object's columns become: all that the rewriting of an embedded schema depends on. */
export interface EmbeddedMapping {
  /** The output's top-level columns in order, aliases included. */
  readonly fields: readonly OutputField[];
  /**
   * Paths of all stored fields of the source, nested ones included. With it a group that lost a member is told from
   * one that is whole; without it every group is taken to be whole.
   */
  readonly sourcePaths?: readonly (readonly string[])[];
  /** Rows were taken out (quarantine), so that positions of rows mean something else. */
  readonly rowsDropped?: boolean;
}

/** One field of the output, and where it comes from. */
export interface OutputField {
  readonly name: string;
  readonly nullable: boolean;
  readonly type: OutputType;
  /** Names from the top of the source's schema (`element`, `key` and `value` inside lists and maps); absent: new. */
  readonly source?: { readonly path: readonly string[] };
  /** The leaf's type is not the source's, so that what an embedded schema says of the old one is no longer true. */
  readonly retyped: boolean;
}

export type OutputType = TypeOf<OutputField>;
