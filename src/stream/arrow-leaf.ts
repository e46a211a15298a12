import { DataType, DateUnit, TimeUnit as ArrowTimeUnit } from "apache-arrow";
import { leafArrowType } from "../schema/embedded/arrow-types.ts";
import { formatLeafType, type LeafType, type TimeUnit } from "../parquet/leaf-type.ts";

const units = new Map<ArrowTimeUnit, TimeUnit>([
  [ArrowTimeUnit.MILLISECOND, "ms"],
  [ArrowTimeUnit.MICROSECOND, "us"],
  [ArrowTimeUnit.NANOSECOND, "ns"],
]);

/** What the values of an Arrow type are; undefined where no Parquet column holds such values. */
export function leafTypeOfArrow(type: DataType): LeafType | undefined {
  if (DataType.isDictionary(type)) return leafTypeOfArrow(type.dictionary);
  if (DataType.isNull(type)) return { kind: "null" };
  if (DataType.isBool(type)) return { kind: "bool" };
  if (DataType.isInt(type)) return { kind: "int", bits: type.bitWidth, signed: type.isSigned };
  if (DataType.isFloat(type)) return { kind: "float", bits: ([16, 32, 64] as const)[type.precision] };
  if (DataType.isDecimal(type)) {
    const { precision, scale } = type;
    const isStorable = precision >= 1 && precision <= 76 && scale >= 0 && scale <= precision;
    return isStorable ? { kind: "decimal", precision, scale } : undefined;
  }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type))
    return { kind: "string" };
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isBinaryView(type)) {
    return { kind: "binary" };
  }
  if (DataType.isFixedSizeBinary(type)) {
    return type.byteWidth > 0 ? { kind: "fixedBinary", bytes: type.byteWidth } : undefined;
  }
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY ? { kind: "date" } : undefined;
  if (DataType.isTime(type)) {
    const unit = units.get(type.unit);
    return unit === undefined ? undefined : { kind: "time", unit, utc: false };
  }
  if (DataType.isTimestamp(type)) {
    const unit = units.get(type.unit);
    return unit === undefined ? undefined : { kind: "timestamp", unit, timezone: type.timezone ?? null };
  }
  return undefined;
}

/**
 * Whether a stream's column of this type may be one of the declared: Arrow has no type of its own for JSON, UUIDs, times adjusted
 * to UTC and others, which travel as texts and bytes. Of a time zone only that there is one counts, as in Parquet.
 */
export function mayBe(type: DataType, declared: LeafType): boolean {
  const found = leafTypeOfArrow(type);
  const travels = leafTypeOfArrow(leafArrowType(declared));
  if (found === undefined || travels === undefined) return false;
  return spell(found) === spell(travels);
}

function spell(type: LeafType): string {
  return formatLeafType(
    type.kind === "timestamp" && type.timezone !== null ? { ...type, timezone: "UTC" } : type,
  );
}
