import { DataType, DateUnit, type Field } from "apache-arrow";
import { malformedStream, unsupportedStream } from "./stream-error.ts";

/** How the slots of an array lie in memory; what they mean is in its type. */
export type Layout =
  /** No buffers: every slot is null. */
  | { readonly kind: "null" }
  /** One bit a slot. */
  | { readonly kind: "bits" }
  /** `numbers` are little-endian, `bytes` are as they stand. */
  | { readonly kind: "fixed"; readonly width: number; readonly holds: "numbers" | "bytes" }
  /** Offsets of 32 or 64 bits, and bytes. */
  | { readonly kind: "bytes"; readonly isLarge: boolean }
  /** Views of 16 bytes, and any number of buffers that they point into. */
  | { readonly kind: "views" }
  | { readonly kind: "list"; readonly isLarge: boolean }
  | { readonly kind: "fixedList"; readonly size: number }
  | { readonly kind: "struct" };

/** Everything that is known of an array before its first batch. */
export interface ArrayShape {
  readonly name: string;
  readonly layout: Layout;
  /** Without its dictionary: what the values are. */
  readonly type: DataType;
  readonly nullable: boolean;
  /** Members of a struct, the element of a list, the entries of a map. */
  readonly children: readonly ArrayShape[];
  /** The slots are indices into this dictionary; `layout` is that of the indices. */
  readonly dictionary?: { readonly id: number; readonly isSigned: boolean; readonly values: Layout };
}

/** Throws `data` `STREAM_UNSUPPORTED`, which names the column, for types that no Parquet column has. */
export function shapeOf(field: Field | undefined, above: readonly string[] = []): ArrayShape {
  // What the decoder makes of a list without an element.
  if (field === undefined) throw malformedStream("a column lacks its parts", { column: above.join(".") });
  const path = [...above, field.name];
  const type: DataType = field.type;
  const base = { name: field.name, nullable: field.nullable };
  if (DataType.isDictionary(type)) {
    const values: DataType = type.dictionary;
    const width = type.indices.bitWidth / 8;
    const dictionary = { id: type.id, isSigned: type.indices.isSigned, values: layoutOf(values, path) };
    if (isNested(dictionary.values)) {
      throw unsupportedStream("stream has a dictionary of nested values", { column: path.join(".") });
    }
    const layout = { kind: "fixed", width, holds: "numbers" } as const;
    return { ...base, layout, type: values, children: [], dictionary };
  }
  const children = ((type.children as Field[] | undefined) ?? []).map((child) => shapeOf(child, path));
  return { ...base, layout: layoutOf(type, path), type, children };
}

function isNested({ kind }: Layout): boolean {
  return kind === "list" || kind === "fixedList" || kind === "struct";
}

function numbers(bits: number): Layout {
  return { kind: "fixed", width: bits / 8, holds: "numbers" };
}

function layoutOf(type: DataType, path: readonly string[]): Layout {
  if (DataType.isNull(type)) return { kind: "null" };
  if (DataType.isBool(type)) return { kind: "bits" };
  if (DataType.isInt(type)) return numbers(type.bitWidth);
  if (DataType.isFloat(type)) return numbers([16, 32, 64][type.precision] ?? 0);
  if (DataType.isDecimal(type)) return numbers(type.bitWidth);
  if (DataType.isDate(type)) return numbers(type.unit === DateUnit.DAY ? 32 : 64);
  if (DataType.isTime(type)) return numbers(type.bitWidth);
  if (DataType.isTimestamp(type)) return numbers(64);
  if (DataType.isFixedSizeBinary(type)) return { kind: "fixed", width: type.byteWidth, holds: "bytes" };
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return { kind: "bytes", isLarge: false };
  if (DataType.isLargeUtf8(type) || DataType.isLargeBinary(type)) return { kind: "bytes", isLarge: true };
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) return { kind: "views" };
  if (DataType.isList(type) || DataType.isMap(type)) return { kind: "list", isLarge: false };
  if (DataType.isLargeList(type)) return { kind: "list", isLarge: true };
  if (DataType.isFixedSizeList(type)) return { kind: "fixedList", size: type.listSize };
  if (DataType.isStruct(type)) return { kind: "struct" };
  throw unsupportedStream("stream has a column of a type that no Parquet column has", {
    column: path.join("."),
    type: spellType(type),
  });
}

/** Whether arrays of the two can share their buffers. */
export function sameLayout(a: ArrayShape, b: ArrayShape): boolean {
  return (
    JSON.stringify([a.layout, a.dictionary?.values]) === JSON.stringify([b.layout, b.dictionary?.values])
  );
}

/** Buffers of an array in a message after its validity, those of views (whose number varies) aside. */
export function bufferCount({ kind }: Layout): number {
  switch (kind) {
    case "null":
    case "fixedList":
    case "struct":
      return 0;
    case "bits":
    case "fixed":
    case "views":
    case "list":
      return 1;
    case "bytes":
      return 2;
  }
}

/** The name of an Arrow type, for messages. */
export function spellType(type: DataType): string {
  const spelled: { readonly toString: () => string } = type;
  return spelled.toString();
}
