import type { LeafType, PhysicalType } from "../leaf-type.ts";

/** Parquet's Type, in the order of the Thrift enum. */
export const physicalTypes: readonly PhysicalType[] = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
];

/** How Parquet stores a leaf; `typeLength` only for FIXED_LEN_BYTE_ARRAY, in bytes. */
export interface Storage {
  readonly physicalType: PhysicalType;
  readonly typeLength?: number;
}

const digitsOfBit = Math.log10(2);

/** The most digits that a two's complement number of so many bytes always holds: floor(log10(2^(8n-1) - 1)). */
function decimalDigits(bytes: number): number {
  return Math.floor((8 * bytes - 1) * digitsOfBit);
}

function decimalBytes(precision: number): number {
  return Math.ceil((precision / digitsOfBit + 1) / 8);
}

/** Whether an annotation for `type` is legal on values stored so (LogicalTypes.md, type by type). */
export function canStore(storage: Storage, type: LeafType): boolean {
  const { physicalType, typeLength } = storage;
  switch (type.kind) {
    case "bool":
      return physicalType === "BOOLEAN";
    case "int":
      return physicalType === (type.bits === 64 ? "INT64" : "INT32");
    case "float":
      if (type.bits === 16) return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === 2;
      return physicalType === (type.bits === 32 ? "FLOAT" : "DOUBLE");
    case "decimal":
      if (physicalType === "INT32") return type.precision <= 9;
      if (physicalType === "INT64") return type.precision <= 18;
      if (physicalType === "BYTE_ARRAY") return true;
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && type.precision <= decimalDigits(typeLength as number);
    case "fixedBinary":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === type.bytes;
    case "date":
      return physicalType === "INT32";
    case "time":
      return physicalType === (type.unit === "ms" ? "INT32" : "INT64");
    case "timestamp":
      if (physicalType === "INT96") return type.unit === "ns" && type.timezone === null;
      return physicalType === "INT64";
    case "uuid":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === 16;
    case "interval":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === 12;
    case "null":
      return true;
    case "string":
    case "binary":
    case "json":
    case "bson":
    case "enum":
    case "geometry":
    case "geography":
      return physicalType === "BYTE_ARRAY";
  }
}

/**
 * What a newly written leaf of this type is stored as: Arrow's choice, but for decimals of up to 18 digits, which
 * become integers (a quarter of the bytes, and faster in every reader).
 */
export function storageOf(type: LeafType): Storage {
  switch (type.kind) {
    case "bool":
      return { physicalType: "BOOLEAN" };
    case "int":
      return { physicalType: type.bits === 64 ? "INT64" : "INT32" };
    case "float":
      if (type.bits === 16) return { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: 2 };
      return { physicalType: type.bits === 32 ? "FLOAT" : "DOUBLE" };
    case "decimal":
      if (type.precision <= 18) return { physicalType: type.precision <= 9 ? "INT32" : "INT64" };
      return { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: decimalBytes(type.precision) };
    case "fixedBinary":
      return { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: type.bytes };
    case "date":
    case "null":
      return { physicalType: "INT32" };
    case "time":
      return { physicalType: type.unit === "ms" ? "INT32" : "INT64" };
    case "timestamp":
      return { physicalType: "INT64" };
    case "uuid":
      return { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: 16 };
    case "interval":
      return { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: 12 };
    case "string":
    case "binary":
    case "json":
    case "bson":
    case "enum":
    case "geometry":
    case "geography":
      return { physicalType: "BYTE_ARRAY" };
  }
}
