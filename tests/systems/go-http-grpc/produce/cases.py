"""Runs the front and the quotes service case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import Postgres, System, call  # noqa: E402

FRONT, QUOTES, DATABASE = 18040, 18041, 18045
# The folder that holds the built programs `front` and `quotes`.
BIN = os.environ["GO_BIN"]
SCHEMA = """
create table articles (id integer primary key, price integer);
insert into articles select id, id * 3 from generate_series(0, 99) id;
"""


def serve(system, name, port, **env):
    return system.start(name, [f"{BIN}/{name}"], port, PORT=str(port), **env)


def ask(path, wait=0.2, port=FRONT):
    print(f"  {path}: {call(f'http://127.0.0.1:{port}{path}')[0]}")
    time.sleep(wait)


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


def missing_root(system):
    """The front is killed before it has exported a span."""
    if system.wanted("missing-root"):
        front = serve(system, "front", 18043, OTEL_BSP_SCHEDULE_DELAY="60000")
        ask("/orders/1", port=18043)
        with system.case("missing-root"):
            ask("/orders/20", port=18043)
            ask("/orders/21/broken", port=18043)
            system.stop(front, signal.SIGKILL)


def main():
    with System(pathlib.Path(__file__).parents[1], ["front", "quotes"]) as system, Postgres(DATABASE, SCHEMA):
        serve(system, "quotes", QUOTES)
        serve(system, "front", FRONT)
        for _ in range(3):
            ask("/orders/1")
        for name, paths in CASES.items():
            if system.wanted(name):
                with system.case(name):
                    for path in paths:
                        ask(path)
                    time.sleep(1.5 if name == "callee-timeout" else 0)
        missing_root(system)


if __name__ == "__main__":
    main()
