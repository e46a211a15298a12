"""Rounding, time zones and formats as Python and pyarrow.compute have them, for semantics-policies.test.ts: JSON in, JSON out."""

import decimal
import json
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

given = json.load(sys.stdin)
context = decimal.Context(prec=400)
modes = {
    "truncate": decimal.ROUND_DOWN,
    "floor": decimal.ROUND_FLOOR,
    "ceil": decimal.ROUND_CEILING,
    "half-even": decimal.ROUND_HALF_EVEN,
    "half-up": decimal.ROUND_HALF_UP,
}


def rescale(values, digits, rounding):
    return [str(int(Decimal(v).scaleb(digits, context).to_integral_value(modes[rounding], context))) for v in values]


def round_all(rounding):
    floats = [float(value) for value in given["floats"]]
    return {
        "decimal": rescale(given["decimals"], -28, rounding),
        "whole": rescale(given["smallDecimals"], -4, rounding),
        "integer": rescale(floats, 0, rounding),
        "cents": rescale(floats, 2, rounding),
        "timestamp": rescale(given["timestamps"], -6, rounding),
    }


def assume(array, zone, ambiguous, nonexistent):
    """Halves the column until what fails is a single value."""
    try:
        instants = pc.assume_timezone(array, zone, ambiguous=ambiguous, nonexistent=nonexistent)
        return [str(value) for value in instants.cast(pa.int64()).to_pylist()]
    except pa.ArrowInvalid:
        if len(array) == 1:
            return [None]
        half = len(array) // 2
        return assume(array[:half], zone, ambiguous, nonexistent) + assume(array[half:], zone, ambiguous, nonexistent)


def zone_all(zone):
    local = pa.array([int(raw) for raw in given["localTimes"]]).cast(pa.timestamp("us"))
    instants = pa.array([int(raw) for raw in given["instants"]]).cast(pa.timestamp("ms", zone))
    return {
        "strict": assume(local, zone, "raise", "raise"),
        "earlier": assume(local, zone, "earliest", "latest"),
        "later": assume(local, zone, "latest", "latest"),
        "local": [str(value) for value in pc.local_timestamp(instants).cast(pa.int64()).to_pylist()],
    }


def read(format, text):
    try:
        value = datetime.strptime(text, format)
    except ValueError:
        return None
    value = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    delta = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return str((delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds)


def write(raw):
    """glibc's strftime does not pad years."""
    value = datetime(1970, 1, 1) + timedelta(microseconds=int(raw))
    format = given["writing"]["format"].replace("%Y", "@").replace("%F", "@-%m-%d")
    return value.strftime(format).replace("@", f"{value.year:04}")


json.dump(
    {
        "roundings": {rounding: round_all(rounding) for rounding in given["roundings"]},
        "zones": {zone: zone_all(zone) for zone in given["zones"]},
        "readings": [read(**reading) for reading in given["readings"]],
        "writing": [write(raw) for raw in given["writing"]["raws"]],
    },
    sys.stdout,
)
