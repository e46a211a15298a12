"""Casts the leaves of source files with pyarrow's cast(safe=True) and compares them with the migrated files.

A JSON case a line in, {"source", "output", "leaves": [{"path", "inside", "from", "to"}]}; a JSON answer a line out, one entry a
leaf: {"values", "equal", "differ": [[raw, theirs, ours], …]}, or {"undefined": why} where pyarrow has no such cast or cannot read
the file. Raw forms are those of test/support/cast-columns.ts.
"""

import importlib.util
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

spec = importlib.util.spec_from_file_location("semantics", sys.argv[1])
semantics = importlib.util.module_from_spec(spec)
# The module answers cases of its own at its end; here it lends its functions.
source = open(sys.argv[1]).read().rsplit("json.dump(", 1)[0]
exec(compile(source, sys.argv[1], "exec"), semantics.__dict__)

DIFFER_MAX = 50


def leaf_of(table, path, inside):
    """The slots of a leaf, nulls included: what stands where in both files alike."""
    array = table.column(path[0]).combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) and array.num_chunks == 1 else array
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    for name, kind in zip(path[1:], inside[1:]):
        if kind == "struct":
            array = array.flatten()[array.type.get_field_index(name)]
        elif kind == "list":
            array = array.flatten()
        else:
            array = array.keys if name == "key" else array.items
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array


def raws(array, wanted):
    """Raw values, None for nulls."""
    present = array.drop_null()
    if pa.types.is_large_string(present.type) or pa.types.is_large_binary(present.type):
        present = present.cast(wanted)
    values = iter(semantics.raws_of(present) if len(present) else [])
    return [next(values) if valid else None for valid in array.is_valid().to_pylist()]


def compare(before, after, leaf):
    old, new = semantics.type_of(leaf["from"]), semantics.type_of(leaf["to"])
    array = leaf_of(before, leaf["path"], leaf["inside"])
    if array.type != old:
        array = array.cast(old)
    ours = raws(leaf_of(after, leaf["path"], leaf["inside"]), new)
    own = raws(array, old)
    present = array.drop_null()
    theirs_present = iter(semantics.cast(present, new))
    theirs = [None if value is None else next(theirs_present) for value in own]
    differ = [list(three) for three in zip(own, theirs, ours) if three[1] != three[2]]
    return {"values": len(present), "equal": len(own) - len(differ), "differ": differ[:DIFFER_MAX]}


for line in sys.stdin:
    case = json.loads(line)
    answers = []
    try:
        before, after = pq.read_table(case["source"]), pq.read_table(case["output"])
    except Exception as error:  # noqa: BLE001 -- what pyarrow cannot read, others look at
        answers = [{"undefined": f"unreadable: {type(error).__name__}"} for _ in case["leaves"]]
    else:
        for leaf in case["leaves"]:
            try:
                answers.append(compare(before, after, leaf))
            except (pa.ArrowNotImplementedError, AttributeError, TypeError) as error:
                answers.append({"undefined": f"{type(error).__name__}: {error}"[:200]})
    print(json.dumps(answers), flush=True)
