"""Renames, drops and adds columns with pyarrow or polars, file by file, with two threads and an fsync each."""

import json
import os
import resource
import sys
import time

engine, source, target, changes_text, compression, row_group_rows = sys.argv[1:7]
changes = json.loads(changes_text)
os.environ["POLARS_MAX_THREADS"] = "2"
started = time.perf_counter()
os.makedirs(target, exist_ok=True)

for name in sorted(os.listdir(source)):
    path = os.path.join(target, name)
    if engine == "pyarrow":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pa.set_cpu_count(2)
        reader = pq.ParquetFile(os.path.join(source, name))
        writer = None
        keep = list(changes["rename"])
        for group in range(reader.num_row_groups):
            table = reader.read_row_group(group, columns=keep)
            table = table.select(keep).rename_columns(list(changes["rename"].values()))
            for column, value in changes["add"].items():
                table = table.append_column(column, pa.array([value] * len(table)))
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression=compression)
            writer.write_table(table, row_group_size=int(row_group_rows))
        writer.close()
    else:
        import polars as pl

        lazy = pl.scan_parquet(os.path.join(source, name))
        lazy = lazy.select([pl.col(old).alias(new) for old, new in changes["rename"].items()])
        lazy = lazy.with_columns([pl.lit(value).alias(column) for column, value in changes["add"].items()])
        lazy.sink_parquet(path, compression=compression, row_group_size=int(row_group_rows))
    with open(path, "rb") as file:
        os.fsync(file.fileno())

print(
    json.dumps(
        {
            "seconds": time.perf_counter() - started,
            "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
