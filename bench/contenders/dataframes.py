"""Renames, casts, drops and adds columns with pyarrow or polars, file by file, with two threads and an fsync each."""

import json
import os
import sys

engine, source, target, changes_text, compression, row_group_rows = sys.argv[1:7]
changes = json.loads(changes_text)  # { columns: [[old name, new name, cast or null]], add: { name: value } }
os.environ["POLARS_MAX_THREADS"] = "2"
os.makedirs(target, exist_ok=True)

for name in sorted(os.listdir(source)):
    path = os.path.join(target, name)
    if engine == "pyarrow":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pa.set_cpu_count(2)
        reader = pq.ParquetFile(os.path.join(source, name))
        writer = None
        keep = [old for old, _, _ in changes["columns"]]
        for group in range(reader.num_row_groups):
            table = reader.read_row_group(group, columns=keep)
            arrays = [
                table[old] if cast is None else table[old].cast(eval(cast["pyarrow"])) for old, _, cast in changes["columns"]
            ]
            names = [new for _, new, _ in changes["columns"]]
            for column, value in changes["add"].items():
                arrays.append(pa.array([value] * len(table)))
                names.append(column)
            table = pa.table(arrays, names=names)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression=compression)
            writer.write_table(table, row_group_size=int(row_group_rows))
        writer.close()
    else:
        import polars as pl

        def column(old, new, cast):
            if cast is None:
                return pl.col(old).alias(new)
            if "Datetime" in cast["polars"]:
                return pl.col(old).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us").alias(new)
            return pl.col(old).cast(eval(cast["polars"])).alias(new)

        lazy = pl.scan_parquet(os.path.join(source, name))
        lazy = lazy.select([column(*change) for change in changes["columns"]])
        lazy = lazy.with_columns([pl.lit(value).alias(name) for name, value in changes["add"].items()])
        lazy.sink_parquet(path, compression=compression, row_group_size=int(row_group_rows))
    with open(path, "rb") as file:
        os.fsync(file.fileno())
