"""Answers queries of tables with DuckDB and Polars.

Reads a JSON list of {name, engine, text}, writes a JSON object of name to rows. Every value is a text
that is exact whatever its type, or null. Needs the packages of .ci/requirements.txt, and no network.
"""

import json
import struct
import sys
from decimal import Decimal

import duckdb
import polars as pl
from duckdb_extensions import import_extension


def cell(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, Decimal):
        return str(int(value))
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    raise TypeError(f"no text for a {type(value)}")


def main():
    import_extension("delta")
    database = duckdb.connect()
    database.execute("LOAD delta")
    answers = {}
    for question in json.load(sys.stdin):
        if question["engine"] == "duckdb":
            rows = database.execute(question["text"]).fetchall()
        else:
            rows = eval(question["text"], {"pl": pl}).collect().rows()
        answers[question["name"]] = [[cell(value) for value in row] for row in rows]
    json.dump(answers, sys.stdout)


main()
