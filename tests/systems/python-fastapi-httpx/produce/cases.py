"""Runs the gateway and the stock service case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import System, call  # noqa: E402

BIN = pathlib.Path(sys.executable).parent
GATEWAY, STOCK = 18010, 18011
NEW_NAMES = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http,database"}


def serve(system, name, module, port, **env):
    command = [str(BIN / "opentelemetry-instrument"), str(BIN / "uvicorn"), f"{module}:app", "--port", str(port)]
    return system.start(name, command, port, **env)


def ask(path, wait=0.2, port=GATEWAY):
    print(f"  {path}: {call(f'http://127.0.0.1:{port}{path}')[0]}")
    time.sleep(wait)


CASES = {
    "success": ["/orders/1"],
    "exception-in-callee": ["/orders/2/margin"],
    "sql-error": ["/orders/3/reservation"],
    "callee-refused": ["/orders/4/invoice"],
    "callee-timeout": ["/orders/5/forecast"],
    "survived": ["/orders/6/rating"],
    "not-found": ["/orders/7/missing", "/orders/seven", "/nowhere"],
    "exception-group": ["/orders/8/both"],
    "background-failure": ["/orders/9/mail"],
    "n-plus-one": ["/catalog/http", "/catalog/sql"],
    "together": ["/catalog/together"],
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
        gateway = serve(system, "gateway", "gateway", 18012, OTEL_BSP_SCHEDULE_DELAY="60000")
        ask("/orders/1", port=18012)
        with system.case("missing-root"):
            ask("/orders/20", port=18012)
            ask("/orders/21/margin", port=18012)
            system.stop(gateway, signal.SIGKILL)


def main():
    with System(pathlib.Path(__file__).parents[1], ["gateway", "stock"]) as system:
        stock = serve(system, "stock", "stock", STOCK)
        gateway = serve(system, "gateway", "gateway", GATEWAY)
        for _ in range(3):
            ask("/orders/1")
        run(system, CASES)
        missing_root(system)
        system.stop(gateway)
        system.stop(stock)
        serve(system, "stock", "stock", STOCK, **NEW_NAMES)
        serve(system, "gateway", "gateway", GATEWAY, **NEW_NAMES)
        for _ in range(3):
            ask("/orders/1")
        run(system, ["success", "exception-in-callee", "sql-error", "callee-refused", "callee-timeout"], "new-names-")


if __name__ == "__main__":
    main()
