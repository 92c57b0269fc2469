"""Runs the gateway and the catalog case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import functools
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import Postgres, System, run_cases, run_missing_root, warm_up  # noqa: E402

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

# Recorded a second time with other names of attributes.
AGAIN = ["success", "exception-in-callee", "sql-error", "callee-refused", "callee-timeout"]


def main():
    with System(pathlib.Path(__file__).parents[1], ["gateway", "catalog"]) as system, Postgres(DATABASE, SCHEMA):
        catalog = serve(system, "catalog", "catalog.js", CATALOG)
        gateway = serve(system, "gateway", "gateway.js", GATEWAY)
        warm_up(GATEWAY, "/orders/1", "/orders/1/axios")
        run_cases(system, GATEWAY, CASES)
        start = functools.partial(serve, system, "gateway", "gateway.js")
        run_missing_root(system, start, 18022, "/orders/20", "/orders/21/margin")
        system.stop(gateway)
        system.stop(catalog)
        # Packages of 2024, whose attributes have the names from before the stable conventions.
        old = {"NODE_PATH": os.environ["NODE_MODULES_2024"]}
        serve(system, "catalog", "catalog.js", CATALOG, **old)
        serve(system, "gateway", "gateway.js", GATEWAY, **old)
        warm_up(GATEWAY, "/orders/1", "/orders/1/axios")
        run_cases(system, GATEWAY, CASES, AGAIN, "old-names-")


if __name__ == "__main__":
    main()
