import { ColonnadeError } from "../base/errors.ts";
import { bytesToFixed, checkJson, checkUtf8, fixedToBytes, formatUuids, parseUuids } from "./binaries.ts";
import { castBoolsToFloats, castBoolsToIntegers, castFloatsToBools, castIntegersToBools } from "./bools.ts";
import { castability } from "./castability.ts";
import * as decimals from "./decimals.ts";
import { castFloats, castFloatsToIntegers, castIntegersToFloats } from "./floats.ts";
import { castIntegers } from "./integers.ts";
import { formatBools, formatDecimals, formatFloats, formatIntegers } from "./numbers-to-texts.ts";
import * as temporal from "./temporal.ts";
import { parseBools, parseDecimals, parseFloats, parseIntegers } from "./texts-to-numbers.ts";
import { parseDates, parseTimes, parseTimestamps } from "./texts-to-times.ts";
import { formatDates, formatTimes, formatTimestamps } from "./times-to-texts.ts";

import { emptyValues } from "../parquet/values/edit-values.ts";
import type { PhysicalType } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import type { CastResult, CastSpec, Stored } from "./cast.ts";
import type { StoredDecimal } from "./decimals.ts";
import type { BytesValues } from "./texts-to-numbers.ts";

const nothingInvalid = new Uint32Array(0);

const kindOfPhysicalType: Readonly<Record<PhysicalType, Values["kind"]>> = {
  BOOLEAN: "bool",
  INT32: "int32",
  INT64: "int64",
  INT96: "fixed",
  FLOAT: "float",
  DOUBLE: "double",
  BYTE_ARRAY: "bytes",
  FIXED_LEN_BYTE_ARRAY: "fixed",
};

/**
 * Casts dense values (no nulls) from one stored type to another; docs/SEMANTICS.md says what each cast means. The result may
 * share memory with the input. Throws `invalid` `CAST_IMPOSSIBLE` when {@link castability} says `none`, `invalid`
 * `TIMEZONE_UNKNOWN` and `FORMAT_UNKNOWN`, and `data` `CAST_TOO_LARGE` when the result is over 2 GiB.
 */
export function castValues(values: Values, spec: CastSpec): CastResult {
  const { from, to } = spec;
  const judged = castability(from, to, spec);
  if (judged.kind === "none") {
    throw new ColonnadeError("invalid", "CAST_IMPOSSIBLE", "cast is impossible", {
      from: from.type.kind,
      to: to.type.kind,
      reason: judged.reason,
    });
  }
  if (values.kind !== kindOfPhysicalType[from.physicalType]) {
    throw new ColonnadeError("internal", "CAST_VALUES_MISMATCH", "values are not stored as the cast says", {
      values: values.kind,
      physicalType: from.physicalType,
    });
  }
  if (judged.kind === "same") return { values, invalid: nothingInvalid };
  if (judged.kind === "relabel") {
    const invalid = judged.check === "utf8" && values.kind === "bytes" ? checkUtf8(values) : nothingInvalid;
    return { values, invalid };
  }
  const result = castFamily(values, spec);
  if (result === undefined) {
    throw new ColonnadeError("internal", "CAST_MISSING", "cast is in the table but has no kernel", {
      from: from.type.kind,
      to: to.type.kind,
    });
  }
  return result;
}

function castFamily(values: Values, spec: CastSpec): CastResult | undefined {
  switch (spec.from.type.kind) {
    case "bool":
      return fromBool(values, spec.to);
    case "int":
      return fromInt(values, spec);
    case "float":
      return fromFloat(values, spec);
    case "decimal":
      return fromDecimal(values, spec);
    case "string":
    case "enum":
    case "binary":
      return fromText(values as BytesValues, spec);
    case "fixedBinary":
    case "uuid":
    case "interval":
      return fromFixed(values as Extract<Values, { kind: "fixed" }>, spec);
    case "date":
    case "time":
    case "timestamp":
      return fromTemporal(values, spec);
    case "null":
      return { values: emptyValues(spec.to), invalid: nothingInvalid };
    default:
      return undefined;
  }
}

function valid(values: Values): CastResult {
  return { values, invalid: nothingInvalid };
}

function fromBool(values: Values, to: Stored): CastResult | undefined {
  switch (to.type.kind) {
    case "int":
      return castBoolsToIntegers(values, to.type);
    case "float":
      return castBoolsToFloats(values, to.type);
    case "decimal":
      return decimals.castBoolsToDecimals(values, to as StoredDecimal);
    case "string":
      return valid(formatBools(values));
    default:
      return undefined;
  }
}

function fromInt(values: Values, { from, to, rounding }: CastSpec): CastResult | undefined {
  if (from.type.kind !== "int") return undefined;
  switch (to.type.kind) {
    case "bool":
      return castIntegersToBools(values, from.type, rounding);
    case "int":
      return castIntegers(values, from.type, to.type);
    case "float":
      return castIntegersToFloats(values, from.type, to.type, rounding);
    case "decimal":
      return decimals.castIntegersToDecimals(values, from.type, to as StoredDecimal, rounding);
    case "string":
      return valid(formatIntegers(values, from.type));
    case "time":
      return temporal.checkTimes(values, to.type);
    default:
      return undefined;
  }
}

function fromFloat(values: Values, { from, to, rounding }: CastSpec): CastResult | undefined {
  if (from.type.kind !== "float") return undefined;
  switch (to.type.kind) {
    case "bool":
      return castFloatsToBools(values, rounding);
    case "int":
      return castFloatsToIntegers(values, to.type, rounding);
    case "float":
      return castFloats(values, to.type);
    case "decimal":
      return decimals.castFloatsToDecimals(values, to as StoredDecimal, rounding);
    case "string":
      return valid(formatFloats(values, from.type));
    default:
      return undefined;
  }
}

function fromDecimal(values: Values, { from, to, rounding }: CastSpec): CastResult | undefined {
  if (from.type.kind !== "decimal") return undefined;
  switch (to.type.kind) {
    case "bool":
      return decimals.castDecimalsToBools(values, from.type, rounding);
    case "int":
      return decimals.castDecimalsToIntegers(values, from.type, to.type, rounding);
    case "float":
      return decimals.castDecimalsToFloats(values, from.type, to.type);
    case "decimal":
      return decimals.castDecimals(values, from as StoredDecimal, to as StoredDecimal, rounding);
    case "string":
      return valid(formatDecimals(values, from.type));
    default:
      return undefined;
  }
}

function fromText(values: BytesValues, spec: CastSpec): CastResult | undefined {
  const { to } = spec;
  switch (to.type.kind) {
    case "bool":
      return parseBools(values);
    case "int":
      return parseIntegers(values, to.type);
    case "float":
      return parseFloats(values, to.type);
    case "decimal":
      return parseDecimals(values, to as StoredDecimal, spec.rounding);
    case "date":
      return parseDates(values, spec);
    case "time":
      return parseTimes(values, spec, to.type);
    case "timestamp":
      return parseTimestamps(values, spec, to.type);
    case "uuid":
      return parseUuids(values);
    case "json":
      return { values, invalid: checkJson(values) };
    case "fixedBinary":
      return bytesToFixed(values, to.type.bytes);
    default:
      return undefined;
  }
}

function fromFixed(
  values: Extract<Values, { kind: "fixed" }>,
  { from, to }: CastSpec,
): CastResult | undefined {
  if (from.type.kind === "uuid" && to.type.kind === "string") return valid(formatUuids(values));
  const bytes = fixedToBytes(values);
  switch (to.type.kind) {
    case "binary":
      return valid(bytes);
    case "string":
    case "enum":
      return { values: bytes, invalid: checkUtf8(bytes) };
    default:
      return undefined;
  }
}

function fromTemporal(values: Values, spec: CastSpec): CastResult | undefined {
  const from = spec.from.type;
  const to = spec.to.type;
  switch (from.kind) {
    case "date":
      if (to.kind === "timestamp") return temporal.castDatesToTimestamps(values, spec, to);
      return to.kind === "string" ? formatDates(values, spec) : undefined;
    case "time":
      if (to.kind === "time") return temporal.castTimes(values, from, to, spec.rounding);
      return to.kind === "string" ? formatTimes(values, spec, from) : undefined;
    case "timestamp":
      if (to.kind === "timestamp") return temporal.castTimestamps(values, spec, from, to);
      if (to.kind === "date") return temporal.castTimestampsToDates(values, spec, from);
      if (to.kind === "time") return temporal.castTimestampsToTimes(values, spec, from, to);
      return to.kind === "string" ? formatTimestamps(values, spec, from) : undefined;
    default:
      return undefined;
  }
}
