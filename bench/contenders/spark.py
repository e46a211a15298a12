"""Renames, casts, drops and adds columns with Spark, on two threads."""

import os
import sys

from pyspark.sql import SparkSession

source, target, select, compression = sys.argv[1:5]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.parquet.compression.codec", compression)
    .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    .config("spark.sql.parquet.inferTimestampNTZ.enabled", "true")
    .config("spark.driver.memory", "4g")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
spark.read.parquet(source).createOrReplaceTempView("source")
spark.sql(f"SELECT {select} FROM source").write.mode("append").parquet(target)
for name in os.listdir(target):
    with open(os.path.join(target, name), "rb") as file:
        os.fsync(file.fileno())
spark.stop()
