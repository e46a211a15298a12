"""Migrates an Arrow IPC stream with pyarrow, batch by batch; makes the stream; compares what came out."""

import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

pa.set_cpu_count(2)


def migrate(batch, changes):
    arrays = []
    for old, _, cast in changes["columns"]:
        array = batch.column(old)
        arrays.append(array if cast is None else array.cast(eval(cast["pyarrow"])))
    names = [new for _, new, _ in changes["columns"]]
    for name, value in changes["add"].items():
        arrays.append(pa.repeat(value, batch.num_rows))
        names.append(name)
    return pa.RecordBatch.from_arrays(arrays, names)


def options(compression):
    return pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression)


action, *args = sys.argv[1:]
if action == "make":
    folder, path, rows, compression = args
    files = [pq.ParquetFile(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
    left = int(rows)
    with pa.OSFile(path, "wb") as sink:
        writer = pa.ipc.new_stream(sink, files[0].schema_arrow, options=options(compression))
        for file in files:
            for batch in file.iter_batches(65_536):
                batch = batch.slice(0, left)
                left -= batch.num_rows
                if batch.num_rows > 0:
                    writer.write_batch(batch)
        writer.close()
elif action == "migrate":
    changes, compression = json.loads(args[0]), args[1]
    writer = None
    for batch in pa.ipc.open_stream(sys.stdin.buffer):
        migrated = migrate(batch, changes)
        if writer is None:
            writer = pa.ipc.new_stream(sys.stdout.buffer, migrated.schema, options=options(compression))
        writer.write_batch(migrated)
    writer.close()
else:
    source, target, changes = args[0], args[1], json.loads(args[2])
    expected = iter(pa.ipc.open_stream(pa.OSFile(source)))
    found = pa.ipc.open_stream(pa.OSFile(target))
    for batch in found:
        batch.validate(full=True)
        wanted = migrate(next(expected), changes)
        for name in wanted.schema.names:
            if not batch.column(name).equals(wanted.column(name).cast(batch.column(name).type)):
                sys.exit(f"{name} differs")
    if next(expected, None) is not None:
        sys.exit("batches are missing")
