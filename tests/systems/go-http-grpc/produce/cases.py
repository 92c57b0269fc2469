"""Runs the front and the quotes service case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import functools
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import Postgres, System, run_cases, run_missing_root, warm_up  # noqa: E402

FRONT, QUOTES, DATABASE = 18040, 18041, 18045
# The folder that holds the built programs `front` and `quotes`.
BIN = os.environ["GO_BIN"]
SCHEMA = """
create table articles (id integer primary key, price integer);
insert into articles select id, id * 3 from generate_series(0, 99) id;
"""


def serve(system, name, port, **env):
    return system.start(name, [f"{BIN}/{name}"], port, PORT=str(port), **env)


CASES = {
    "success": ["/orders/1", "/orders/1/label"],
    "error-in-callee": ["/orders/2/broken", "/orders/2/panic", "/orders/2/credit", "/orders/2/label/broken"],
    "sql-error": ["/orders/3/reservation"],
    "callee-refused": ["/orders/4/invoice", "/orders/4/invoice/http"],
    "callee-timeout": ["/orders/5/forecast", "/orders/5/label/slow"],
    "survived": ["/orders/6/rating"],
    "grpc-codes": ["/orders/7/missing", "/orders/7/invalid", "/orders/7/overloaded", "/orders/7/watch"],
    "n-plus-one": ["/catalog/grpc", "/catalog/sql"],
    "slow-callee": ["/orders/8/wait?seconds=0.02"] * 8 + ["/orders/9/wait?seconds=2"],
}


def main():
    with System(pathlib.Path(__file__).parents[1], ["front", "quotes"]) as system, Postgres(DATABASE, SCHEMA):
        serve(system, "quotes", QUOTES)
        serve(system, "front", FRONT)
        warm_up(FRONT, "/orders/1")
        run_cases(system, FRONT, CASES)
        start = functools.partial(serve, system, "front")
        run_missing_root(system, start, 18043, "/orders/20", "/orders/21/broken")


if __name__ == "__main__":
    main()
