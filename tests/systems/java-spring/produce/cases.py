"""Runs the gateway and the stock service case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import System, call  # noqa: E402

GATEWAY, STOCK = 18030, 18031
AGENT, JAR = os.environ["JAVA_AGENT"], os.environ["SHOP_JAR"]


def serve(system, name, port, **env):
    command = ["java", "-Xmx256m", f"-javaagent:{AGENT}", "-jar", JAR, f"--spring.profiles.active={name}", f"--server.port={port}"]
    return system.start(name, command, port, wait=240, **env)


def ask(path, wait=0.2, port=GATEWAY):
    print(f"  {path}: {call(f'http://127.0.0.1:{port}{path}')[0]}")
    time.sleep(wait)


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
        gateway = serve(system, "gateway", 18032, OTEL_BSP_SCHEDULE_DELAY="60000")
        ask("/orders/1", port=18032)
        with system.case("missing-root"):
            ask("/orders/20", port=18032)
            ask("/orders/21/margin", port=18032)
            system.stop(gateway, signal.SIGKILL)


def warm_up():
    for _ in range(5):
        ask("/orders/1")
        ask("/orders/2/margin")


def main():
    with System(pathlib.Path(__file__).parents[1], ["gateway", "stock"]) as system:
        stock = serve(system, "stock", STOCK)
        gateway = serve(system, "gateway", GATEWAY)
        warm_up()
        run(system, CASES)
        missing_root(system)
        system.stop(gateway)
        system.stop(stock)
        # The agent's HTTP spans have the new names; those of the database only on request. Spans of controllers and
        # views are off unless asked for.
        new = {"OTEL_SEMCONV_STABILITY_OPT_IN": "database", "OTEL_INSTRUMENTATION_COMMON_EXPERIMENTAL_CONTROLLER_TELEMETRY_ENABLED": "true"}
        serve(system, "stock", STOCK, **new)
        serve(system, "gateway", GATEWAY, **new)
        warm_up()
        run(system, ["success", "exception-in-callee", "sql-error"], "new-names-")


if __name__ == "__main__":
    main()
