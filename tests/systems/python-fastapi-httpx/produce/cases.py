"""Runs the gateway and the stock service case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import functools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import System, run_cases, run_missing_root, warm_up  # noqa: E402

BIN = pathlib.Path(sys.executable).parent
GATEWAY, STOCK = 18010, 18011
NEW_NAMES = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http,database"}


def serve(system, name, module, port, **env):
    command = [str(BIN / "opentelemetry-instrument"), str(BIN / "uvicorn"), f"{module}:app", "--port", str(port)]
    return system.start(name, command, port, **env)


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

# Recorded a second time with other names of attributes.
AGAIN = ["success", "exception-in-callee", "sql-error", "callee-refused", "callee-timeout"]


def main():
    with System(pathlib.Path(__file__).parents[1], ["gateway", "stock"]) as system:
        stock = serve(system, "stock", "stock", STOCK)
        gateway = serve(system, "gateway", "gateway", GATEWAY)
        warm_up(GATEWAY, "/orders/1")
        run_cases(system, GATEWAY, CASES)
        start = functools.partial(serve, system, "gateway", "gateway")
        run_missing_root(system, start, 18012, "/orders/20", "/orders/21/margin")
        system.stop(gateway)
        system.stop(stock)
        serve(system, "stock", "stock", STOCK, **NEW_NAMES)
        serve(system, "gateway", "gateway", GATEWAY, **NEW_NAMES)
        warm_up(GATEWAY, "/orders/1")
        run_cases(system, GATEWAY, CASES, AGAIN, "new-names-")


if __name__ == "__main__":
    main()
