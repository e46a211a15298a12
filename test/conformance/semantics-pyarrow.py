"""Casts columns with pyarrow's cast(safe=True): JSON cases on stdin, JSON results on stdout.

Values travel in the raw form of test/support/cast-columns.ts. A result is null for a value that pyarrow refuses, and
the whole result is {"unsupported": message} for a pair that it has no cast for.
"""

import json
import re
import sys
from decimal import Context, Decimal

import numpy as np
import pyarrow as pa

WIDE = Context(prec=100)


def type_of(name):
    simple = {"float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(), "bool": pa.bool_()}
    if name in simple:
        return simple[name]
    if match := re.fullmatch(r"decimal(128|256)\((\d+), (\d+)\)", name):
        bits, precision, scale = (int(part) for part in match.groups())
        return (pa.decimal128 if bits == 128 else pa.decimal256)(precision, scale)
    if match := re.fullmatch(r"fixed_size_binary\((\d+)\)", name):
        return pa.binary(int(match[1]))
    if match := re.fullmatch(r"timestamp\[(ms|us|ns), tz=(.+)\]", name):
        return pa.timestamp(match[1], match[2])
    if match := re.fullmatch(r"(timestamp|time32|time64)\[(ms|us|ns)\]", name):
        return getattr(pa, match[1])(match[2])
    return getattr(pa, name)()


def numpy_of(t):
    if pa.types.is_floating(t):
        return np.dtype(f"uint{t.bit_width}")
    if pa.types.is_integer(t):
        return np.dtype(str(t))
    return np.dtype(f"int{t.bit_width}")


def array_of(raws, t):
    if pa.types.is_boolean(t):
        return pa.array([raw == "1" for raw in raws], t)
    if pa.types.is_string(t) or pa.types.is_binary(t) or pa.types.is_fixed_size_binary(t):
        values = [bytes.fromhex(raw) for raw in raws]
        return pa.array([value.decode() for value in values] if pa.types.is_string(t) else values, t)
    if pa.types.is_decimal(t):
        return pa.array([Decimal(raw).scaleb(-t.scale, WIDE) for raw in raws], t)
    dtype = numpy_of(t)
    nan = {16: 0x7E00, 32: 0x7FC00000, 64: 0x7FF8 << 48}
    numbers = np.array([nan[t.bit_width] if raw == "nan" else int(raw) for raw in raws], dtype)
    return pa.Array.from_buffers(t, len(raws), [None, pa.py_buffer(numpy_bytes(numbers))])


def numpy_bytes(numbers):
    return numbers.tobytes() or b"\0"


def raws_of(array):
    t = array.type
    if pa.types.is_boolean(t):
        return ["1" if value else "0" for value in array.to_pylist()]
    if pa.types.is_string(t) or pa.types.is_binary(t) or pa.types.is_fixed_size_binary(t):
        binary = array.cast(pa.binary()) if not pa.types.is_binary(t) else array
        return [value.hex() for value in binary.to_pylist()]
    if pa.types.is_decimal(t):
        return [str(int(value.scaleb(t.scale, WIDE))) for value in array.to_pylist()]
    numbers = np.frombuffer(array.buffers()[1], numpy_of(t), len(array), array.offset * (t.bit_width // 8))
    raws = [str(number) for number in numbers.tolist()]
    if pa.types.is_floating(t):
        floats = numbers.view(f"float{t.bit_width}")
        return ["nan" if np.isnan(value) else raw for value, raw in zip(floats, raws)]
    return raws


def cast(array, to):
    """Halves the column until what fails is a single value."""
    if len(array) == 0:
        return []
    try:
        return raws_of(array.cast(to, safe=True))
    except pa.ArrowNotImplementedError:
        raise
    except (pa.ArrowInvalid, UnicodeDecodeError):
        if len(array) == 1:
            return [None]
        middle = len(array) // 2
        return cast(take(array, 0, middle), to) + cast(take(array, middle, len(array)), to)


def take(array, start, end):
    """A copy: some casts of a slice look at the values outside of it."""
    return pa.concat_arrays([array.slice(start, end - start)])


def run(case):
    try:
        array = array_of(case["raws"], type_of(case["from"]))
        if "via" in case:
            array = array.cast(type_of(case["via"]), safe=False)
        return cast(array, type_of(case["to"]))
    except pa.ArrowNotImplementedError as error:
        return {"unsupported": str(error)}


json.dump([run(case) for case in json.load(sys.stdin)], sys.stdout)
