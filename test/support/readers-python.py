"""Reads migrated Parquet files with pyarrow and polars and compares each with its source.

Comparisons on stdin: {"prefix": str, "files": [{"source": path, "schemaOnly": bool, "outputs": [{"path": path,
"columns": [[output, source], ...], "values": bool, "renamesInside": bool}]}]}. Verdicts on stdout, one object a file, for
each reader: {"unreadable": message} for the source, or {"outputs": [null for equal, else the difference as text, ...]}.
Without "values" only rows and readability count; with "schemaOnly" no values are read at all.
"""

import json
import os
import sys

os.environ["RUST_BACKTRACE"] = "0"  # polars would print one for each malformed file

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

job = json.load(sys.stdin)
prefix = job["prefix"]


def undone(text):
    return text.replace(prefix, "")


def field_text(field):
    kept = {key: value for key, value in (field.metadata or {}).items() if key != b"PARQUET:field_id"}
    children = [field.type.field(i) for i in range(field.type.num_fields)]
    inside = [field_text(child) for child in children]
    return f"{field.type} {field.nullable} {sorted(kept.items())} {inside}"


def same(mine, theirs):
    """Equal values in two Arrow arrays, NaN equal to itself, -0.0 not equal to 0.0, names inside structs aside."""
    if isinstance(mine, pa.ChunkedArray):  # of no chunks, or of more than 2 GB
        return mine.num_chunks == theirs.num_chunks and all(map(same, mine.chunks, theirs.chunks))
    if len(mine) != len(theirs) or not mine.is_valid().equals(theirs.is_valid()):
        return False
    t = mine.type
    if pa.types.is_floating(t):
        bits = pa.type_for_alias(f"int{t.bit_width}")
        return mine.view(bits).equals(theirs.view(bits))
    if pa.types.is_struct(t):
        return all(map(same, mine.flatten(), theirs.flatten()))
    if pa.types.is_map(t):
        lengths = mine.offsets.equals(theirs.offsets)
        return lengths and same(mine.keys, theirs.keys) and same(mine.items, theirs.items)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return mine.value_lengths().equals(theirs.value_lengths()) and same(mine.flatten(), theirs.flatten())
    return mine.equals(theirs)


class Pyarrow:
    def __init__(self, path, schema_only):
        file = pq.ParquetFile(path)
        self.table = None if schema_only else file.read()
        self.schema = file.schema_arrow
        self.rows = file.metadata.num_rows
        self.names = self.schema.names

    def type_of(self, name):
        return field_text(self.schema.field(name).with_name(""))

    def same_values(self, name, other, other_name):
        if self.table is None:
            return True
        return same(self.table.column(name).combine_chunks(), other.table.column(other_name).combine_chunks())


class Polars:
    def __init__(self, path, schema_only):
        self.frame = None if schema_only else pl.read_parquet(path)
        self.schema = pl.read_parquet_schema(path) if schema_only else self.frame.schema
        self.rows = pl.scan_parquet(path).select(pl.len()).collect().item() if schema_only else self.frame.height
        self.names = list(self.schema)

    def type_of(self, name):
        return repr(self.schema[name])

    def same_values(self, name, other, other_name):
        if self.frame is None:
            return True
        return same(self.frame[name].to_arrow(), other.frame[other_name].to_arrow())


def difference(source, output, columns, values, renames_inside):
    if output.rows != source.rows:
        return f"{output.rows} rows instead of {source.rows}"
    if not values:
        return None
    if output.names != [name for name, _ in columns]:
        return f"columns {output.names}"
    for name, before in columns:
        if undone(output.type_of(name)) != source.type_of(before):
            return f"{name} is {output.type_of(name)} instead of {source.type_of(before)}"
        if not output.same_values(name, source, before):
            return f"{name} has other values"
    # pyarrow calls the entries of a map after their column: only the one direction can be told.
    if renames_inside and not any(prefix in output.type_of(name) for name, _ in columns):
        return "names inside are old"
    return None


def opened(reader, path, schema_only):
    try:
        return reader(path, schema_only), None
    except BaseException as error:  # a panic of polars is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return None, f"{type(error).__name__}: {error}"


def verdict(reader, file):
    schema_only = file["schemaOnly"]
    source, failure = opened(reader, file["source"], schema_only)
    if source is None:
        return {"unreadable": failure}
    verdicts = []
    for output in file["outputs"]:
        migrated, failure = opened(reader, output["path"], schema_only)
        verdicts.append(
            f"not readable: {failure}"
            if migrated is None
            else difference(source, migrated, output["columns"], output["values"], output["renamesInside"])
        )
    return {"outputs": verdicts}


json.dump(
    [{"pyarrow": verdict(Pyarrow, file), "polars": verdict(Polars, file)} for file in job["files"]],
    sys.stdout,
)
