"""Runs the gateway and the stock service case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import functools
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import System, run_cases, run_missing_root, warm_up  # noqa: E402

GATEWAY, STOCK = 18030, 18031
AGENT, JAR = os.environ["JAVA_AGENT"], os.environ["SHOP_JAR"]


def serve(system, name, port, **env):
    command = ["java", "-Xmx256m", f"-javaagent:{AGENT}", "-jar", JAR, f"--spring.profiles.active={name}", f"--server.port={port}"]
    return system.start(name, command, port, wait=240, **env)


CASES = {
    "success": ["/orders/1"],
    "exception-in-callee": ["/orders/2/margin"],
    "exception-on-other-thread": ["/orders/2/later"],
    "sql-error": ["/orders/3/reservation"],
    "callee-refused": ["/orders/4/invoice"],
    "callee-timeout": ["/orders/5/forecast"],
    "survived": ["/orders/6/rating"],
    "not-found": ["/orders/7/missing", "/orders/seven", "/nowhere"],
    "n-plus-one": ["/catalog/http", "/catalog/sql"],
    "slow-callee": [f"/orders/{order}?seconds=0.02" for order in range(10, 18)] + ["/orders/18?seconds=2"],
}


def main():
    with System(pathlib.Path(__file__).parents[1], ["gateway", "stock"]) as system:
        stock = serve(system, "stock", STOCK)
        gateway = serve(system, "gateway", GATEWAY)
        warm_up(GATEWAY, "/orders/1", "/orders/2/margin", times=5)
        run_cases(system, GATEWAY, CASES)
        start = functools.partial(serve, system, "gateway")
        run_missing_root(system, start, 18032, "/orders/20", "/orders/21/margin")
        system.stop(gateway)
        system.stop(stock)
        # The agent's HTTP spans have the new names; those of the database only on request. Spans of controllers and
        # views are off unless asked for.
        new = {"OTEL_SEMCONV_STABILITY_OPT_IN": "database", "OTEL_INSTRUMENTATION_COMMON_EXPERIMENTAL_CONTROLLER_TELEMETRY_ENABLED": "true"}
        serve(system, "stock", STOCK, **new)
        serve(system, "gateway", GATEWAY, **new)
        warm_up(GATEWAY, "/orders/1", "/orders/2/margin", times=5)
        run_cases(system, GATEWAY, CASES, ["success", "exception-in-callee", "sql-error"], "new-names-")


if __name__ == "__main__":
    main()
