"""Runs the gateway and the catalog case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import Postgres, System, call  # noqa: E402

GATEWAY, CATALOG, DATABASE = 18020, 18021, 18025
# The folder that holds node_modules.
MODULES = os.environ["NODE_MODULES"]
SCHEMA = """
create table articles (id integer primary key, price integer);
insert into articles select id, id * 3 from generate_series(0, 99) id;
"""


def serve(system, name, script, port, **env):
    command = ["node", "--require", "@opentelemetry/auto-instrumentations-node/register", script]
    default = {"NODE_PATH": MODULES, "PORT": str(port), "OTEL_NODE_DISABLED_INSTRUMENTATIONS": "fs,net,dns"}
    return system.start(name, command, port, **(default | env))


def ask(path, wait=0.2, port=GATEWAY):
    print(f"  {path}: {call(f'http://127.0.0.1:{port}{path}')[0]}")
    time.sleep(wait)


CASES = {
    "success": ["/orders/1", "/orders/1/axios"],
    "exception-in-callee": ["/orders/2/margin", "/orders/2/margin/axios"],
    "sql-error": ["/orders/3/reservation"],
    "callee-refused": ["/orders/4/invoice", "/orders/4/invoice/axios"],
    "callee-timeout": ["/orders/5/forecast", "/orders/5/forecast/axios"],
    "survived": ["/orders/6/rating"],
    "not-found": ["/orders/7/missing", "/nowhere"],
    "n-plus-one": ["/catalog/http", "/catalog/sql"],
    "slow-callee": [f"/orders/{order}?seconds=0.02" for order in range(10, 18)] + ["/orders/18?seconds=2"],
}


def run(system, cases, prefix=""):
    for name in cases:
        if system.wanted(prefix + name):
            with system.case(prefix + name):
                for path in CASES[name]:
                    ask(path)
                time.sleep(1.5 if name == "callee-timeout" else 0)


def missing_root(system):
    """The gateway is killed before it has exported a span."""
    if system.wanted("missing-root"):
        gateway = serve(system, "gateway", "gateway.js", 18022, OTEL_BSP_SCHEDULE_DELAY="60000")
        ask("/orders/1", port=18022)
        with system.case("missing-root"):
            ask("/orders/20", port=18022)
            ask("/orders/21/margin", port=18022)
            system.stop(gateway, signal.SIGKILL)


def main():
    with System(pathlib.Path(__file__).parents[1], ["gateway", "catalog"]) as system, Postgres(DATABASE, SCHEMA):
        catalog = serve(system, "catalog", "catalog.js", CATALOG)
        gateway = serve(system, "gateway", "gateway.js", GATEWAY)
        for _ in range(3):
            ask("/orders/1")
            ask("/orders/1/axios")
        run(system, CASES)
        missing_root(system)
        system.stop(gateway)
        system.stop(catalog)
        # Packages of 2024, whose attributes have the names from before the stable conventions.
        old = {"NODE_PATH": os.environ["NODE_MODULES_2024"]}
        serve(system, "catalog", "catalog.js", CATALOG, **old)
        serve(system, "gateway", "gateway.js", GATEWAY, **old)
        for _ in range(3):
            ask("/orders/1")
            ask("/orders/1/axios")
        run(system, ["success", "exception-in-callee", "sql-error", "callee-refused", "callee-timeout"], "old-names-")


if __name__ == "__main__":
    main()
