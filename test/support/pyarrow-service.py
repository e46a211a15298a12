"""Writes and reads Parquet files for property tests: one JSON request a line in, one JSON answer a line out.

Values cross as JSON: decimals as text, timestamps as microseconds, maps as lists of pairs.
"""

import datetime
import decimal
import json
import random
import sys
import uuid

import numpy
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1)
LEAVES = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "string": pa.string(),
    "decimal128(9, 2)": pa.decimal128(9, 2),
    "timestamp[us]": pa.timestamp("us"),
}
# Other forms of a type, and what they stand for.
PLAIN = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}


def field_of(spec):
    kind = spec["kind"]
    if kind == "leaf":
        arrow = LEAVES[spec["type"]]
    elif kind == "struct":
        arrow = pa.struct([field_of(child) for child in spec["children"]])
    elif kind == "list":
        arrow = pa.list_(field_of(spec["children"][0]))
    else:
        arrow = pa.map_(*[field_of(child) for child in spec["children"]])
    return pa.field(spec["name"], arrow, nullable=spec["nullable"])


def decode(spec, value):
    if value is None:
        return None
    kind = spec["kind"]
    if kind == "struct":
        return {child["name"]: decode(child, value[child["name"]]) for child in spec["children"]}
    if kind == "list":
        return [decode(spec["children"][0], one) for one in value]
    if kind == "map":
        return [tuple(decode(c, v) for c, v in zip(spec["children"], pair)) for pair in value]
    return decimal.Decimal(value) if spec["type"].startswith("decimal") else value


def encode(value):
    if isinstance(value, dict):
        return {name: encode(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(one) for one in value]
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, datetime.datetime):
        return (value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1)
    return value if value is None or isinstance(value, (int, str)) else repr(value)


def describe(field):
    arrow = PLAIN.get(field.type, field.type)
    if pa.types.is_dictionary(arrow):
        arrow = PLAIN.get(arrow.value_type, arrow.value_type)
    if pa.types.is_struct(arrow):
        kind, children = "struct", [arrow.field(i) for i in range(arrow.num_fields)]
    elif pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        kind, children = "list", [arrow.value_field.with_name("element")]
    elif pa.types.is_map(arrow):
        kind, children = "map", [arrow.key_field.with_name("key"), arrow.item_field.with_name("value")]
    else:
        return {"name": field.name, "nullable": field.nullable, "kind": "leaf", "type": str(arrow)}
    return {
        "name": field.name,
        "nullable": field.nullable,
        "kind": kind,
        "children": [describe(child) for child in children],
    }


def write(path, fields, rows, options):
    schema = pa.schema([field_of(spec) for spec in fields])
    columns = [
        pa.array([decode(spec, row[spec["name"]]) for row in rows], schema.field(i).type)
        for i, spec in enumerate(fields)
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    row_group_size = options.pop("row_group_size")
    bloom = [spec["name"] for spec in fields if spec["kind"] == "leaf"] if options.pop("bloom") else []
    options["bloom_filter_options"] = {name: {"ndv": 100, "fpp": 0.05} for name in bloom}
    with pq.ParquetWriter(path, schema, **options) as writer:
        if rows:
            writer.write_table(table, row_group_size=row_group_size)
        elif row_group_size == 1:  # An empty row group, where there would be none.
            writer.write_batch(pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema))
    return {}


def values_of(rows, names):
    """The values of a leaf by its path in the schema, without nulls."""
    if not names:
        return [row for row in rows if row is not None]
    found = []
    for row in rows:
        if row is None:
            continue
        if isinstance(row, (list, tuple)) and names[0] in ("list", "key_value"):
            found += row
        elif isinstance(row, tuple):
            found.append(row[0] if names[0] == "key" else row[1])
        elif isinstance(row, dict):
            found.append(row[names[0]])
        else:
            raise ValueError(f"{names} of {row!r}")
    if names[0] == "list":
        return values_of(found, names[2:] if len(names) > 1 else [])
    return values_of(found, names[1:])


def check_chunks(file):
    """What statistics say that is not so."""
    faults = []
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        metadata = file.metadata.row_group(group)
        if table.num_rows != metadata.num_rows:
            faults.append(f"row group {group} has {table.num_rows} rows, not {metadata.num_rows}")
        for column in range(metadata.num_columns):
            chunk = metadata.column(column)
            names = chunk.path_in_schema.split(".")
            values = values_of(table.column(names[0]).to_pylist(), names[1:])
            statistics = chunk.statistics
            if statistics is None:
                continue
            where = f"{chunk.path_in_schema} of row group {group}"
            if statistics.has_null_count and statistics.null_count != chunk.num_values - len(values):
                faults.append(f"{where}: {statistics.null_count} nulls, not {chunk.num_values - len(values)}")
            if statistics.has_min_max and values:
                if statistics.min > min(values) or statistics.max < max(values):
                    faults.append(f"{where}: {statistics.min}..{statistics.max}, not {min(values)}..{max(values)}")
    return faults


def read(path, filters):
    file = pq.ParquetFile(path)
    table = file.read()
    table.validate(full=True)
    found = []
    for name, value in filters:
        kind = table.schema.field(name).type
        typed = pa.scalar(decimal.Decimal(value) if pa.types.is_decimal(kind) else value, kind).as_py()
        found.append(pq.read_table(path, columns=[name], filters=[(name, "=", typed)]).num_rows)
    return {
        "fields": [describe(field) for field in table.schema],
        "rows": encode(table.to_pylist()),
        "rowGroups": file.num_row_groups,
        "faults": check_chunks(file),
        "found": found,
    }


def metadata(path):
    """All that the footer says of the chunks but where they are."""
    found = pq.read_metadata(path)
    groups = [found.row_group(i).to_dict() for i in range(found.num_row_groups)]
    for group in groups:
        for place in ("file_offset", "total_compressed_size"):
            group.pop(place, None)
        for chunk in group["columns"]:
            for place in list(chunk):
                if place.endswith("_offset"):
                    del chunk[place]
    keys = [key.decode() for key in found.metadata or {}]
    return {"text": repr((found.num_rows, found.created_by, groups)), "schema": str(found.schema), "keys": keys}


def vary(arrow, roll):
    """Another form of the same type, at random."""
    if pa.types.is_struct(arrow):
        return pa.struct([f.with_type(vary(f.type, roll)) for f in (arrow.field(i) for i in range(arrow.num_fields))])
    if pa.types.is_list(arrow):
        element = arrow.value_field.with_type(vary(arrow.value_type, roll))
        return roll.choice([pa.list_, pa.large_list])(element)
    if pa.types.is_map(arrow):
        return pa.map_(arrow.key_field, arrow.item_field.with_type(vary(arrow.item_type, roll)))
    if pa.types.is_decimal(arrow) or pa.types.is_timestamp(arrow):
        return arrow  # pyarrow builds no dictionaries of these.
    forms = [arrow, pa.dictionary(roll.choice([pa.int8(), pa.uint16(), pa.int32(), pa.int64()]), arrow)]
    if arrow == pa.string():
        forms += [pa.large_string(), pa.string_view()]
    return roll.choice(forms) if roll.random() < 0.5 else arrow


def garble(array, roll):
    """The same values, with other values in the slots under nulls, and elements that no list reaches."""
    valid = array.is_valid()
    present = [i for i in range(len(array)) if valid[i].as_py()]
    if not present:
        return array
    indices = pa.array([i if valid[i].as_py() else roll.choice(present) for i in range(len(array))], pa.int64())
    try:
        filled = array.take(indices)
    except pa.ArrowNotImplementedError:  # Views cannot be taken yet.
        return array
    mask = pa.array([not one.as_py() for one in valid], pa.bool_())
    arrow = array.type
    if pa.types.is_struct(arrow):
        children = [garble(filled.field(i), roll) for i in range(arrow.num_fields)]
        return pa.StructArray.from_arrays(children, fields=list(arrow), mask=mask)
    if pa.types.is_map(arrow):
        return array
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        form = pa.LargeListArray if pa.types.is_large_list(arrow) else pa.ListArray
        return form.from_arrays(filled.offsets, garble(filled.values, roll), type=arrow, mask=mask)
    if array.null_count == 0 or pa.types.is_dictionary(arrow):
        return array
    bits = pa.array([one.as_py() for one in valid], pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(arrow, len(array), [bits] + filled.buffers()[1:])


def write_stream(path, fields, rows, options):
    """A stream of several batches: compressed or not, of slices or not, in other forms of the types."""
    roll = random.Random(options["seed"])
    schema = pa.schema([f.with_type(vary(f.type, roll)) for f in map(field_of, fields)])
    rest, batches = rows, []
    while rest or not batches:
        count = roll.randint(0, max(1, len(rest)))
        # A slice of a longer array has values before it and behind.
        before, behind = (roll.choices(rows, k=roll.randint(0, 3)) if rows else [] for _ in range(2))
        whole = before + rest[:count] + behind
        plain = [
            pa.array([decode(spec, row[spec["name"]]) for row in whole], schema.field(i).type)
            for i, spec in enumerate(fields)
        ]
        batch = pa.RecordBatch.from_arrays([garble(column, roll) for column in plain], schema=schema)
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid:  # An index into an empty dictionary, which pyarrow minds even under a null.
            batch = pa.RecordBatch.from_arrays(plain, schema=schema)
        batches.append(batch.slice(len(before), count))
        rest = rest[count:]
    ipc = pa.ipc.IpcWriteOptions(
        compression=options["compression"], emit_dictionary_deltas=roll.choice([True, False])
    )
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, schema, options=ipc) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return {}


def read_stream(path):
    """All batches, checked."""
    with pa.OSFile(path, "rb") as source:
        table = pa.ipc.open_stream(source).read_all()
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        if "should be in [0, -1]" not in str(error):  # An index under a null, into an empty dictionary.
            raise
    return {"fields": [describe(field) for field in table.schema], "rows": encode(table.to_pylist())}


def write_columns(path, columns, compression):
    """A stream of one table, whose columns are a Python expression."""
    names = {"pa": pa, "np": numpy, "datetime": datetime, "uuid": uuid, "D": decimal.Decimal}
    table = pa.table(eval(columns, names))
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return {}


def describe_stream(path):
    """A line for each column of a stream, as Python writes its name, its type and its values."""
    with pa.OSFile(path, "rb") as source:
        table = pa.ipc.open_stream(source).read_all()
    table.validate(full=True)
    return {"columns": [f"{f.name} {f.type} {table.column(f.name).to_pylist()}" for f in table.schema]}


calls = {
    "write": write,
    "read": read,
    "metadata": metadata,
    "writeStream": write_stream,
    "readStream": read_stream,
    "writeColumns": write_columns,
    "describeStream": describe_stream,
}
for line in sys.stdin:
    request = json.loads(line)
    try:
        call = calls[request.pop("call")]
        answer = call(**request)
    except Exception as error:  # noqa: BLE001 -- the test that asked shall fail, not the service
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
