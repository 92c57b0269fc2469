"""Runs the shop case by case: `python cases.py [CASE...]`. README.md lists what it needs."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import System, call  # noqa: E402

FRONT = "http://127.0.0.1:18000"
BY_NAME = "http://127.0.0.1:18002"
BIN = pathlib.Path(sys.executable).parent
INSTRUMENT = [str(BIN / "opentelemetry-instrument")]
PIDS = tempfile.mkdtemp()
# Redis is polled all the time; its spans are wanted in one case only.
QUIET = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "redis", "PID_FOLDER": PIDS}


def flask(system, name, module, port, **env):
    command = INSTRUMENT + [str(BIN / "flask"), "--app", f"{module}:web", "run", "--port", str(port)]
    return system.start(name, command, port, **(QUIET | env))


def redis(system):
    folder = tempfile.mkdtemp()
    command = [shutil.which("redis-server") or os.environ["REDIS_SERVER"], "--save", "", "--dir", folder, "--bind", "127.0.0.1"]
    return system.start("redis", command, 6379, cwd=folder)


def worker(system, processes=4, name="worker1", service="shop-worker", **env):
    command = INSTRUMENT + [str(BIN / "celery"), "-A", "tasks", "worker", "-n", f"{name}@shop", "-c", str(processes), "-l", "info"]
    process = system.start(service, command, **(QUIET | env))
    for _ in range(60):
        time.sleep(1)
        if celery("inspect", "ping", "-d", f"{name}@shop", "-t", "2") == 0:
            return process
    raise RuntimeError("the worker does not answer")


def celery(*arguments):
    """Celery's own command line, without instrumentation."""
    command = [str(BIN / "celery"), "-A", "tasks", *arguments]
    return subprocess.run(command, cwd=pathlib.Path(__file__).parent, env=os.environ | QUIET, capture_output=True).returncode


def post(path, wait=0.0, front=FRONT, **body):
    status, text = call(front + path, "POST", json.dumps(body).encode())
    print(f"  {path} {body}: {status}")
    time.sleep(wait)
    return json.loads(text) if status == 202 else text


def pid_of(order, seconds=10):
    """The process that works on an order, once it has begun."""
    file = pathlib.Path(PIDS, str(order))
    for _ in range(seconds * 10):
        if file.exists():
            time.sleep(0.8)  # Its first request has been exported by then.
            return int(file.read_text())
        time.sleep(0.1)
    raise RuntimeError(f"nobody works on {order}")


def warm_up():
    for _ in range(3):
        post("/orders/reserve", order="warm")
    post("/orders/reserve/wait", order="warm")
    time.sleep(1)


def with_worker(system):
    running = worker(system)
    warm_up()
    if system.wanted("success"):
        with system.case("success"):
            post("/orders/reserve", 1, order="o-1")
            post("/orders/reserve/wait", 1, order="o-2")
    if system.wanted("retry-then-success"):
        with system.case("retry-then-success"):
            post("/orders/reserve_flaky", 5, order="o-3", fail_times=2)
            post("/orders/reserve_by_hand", 3, order="o-4", fail_times=1)
    if system.wanted("retries-exhausted"):
        with system.case("retries-exhausted"):
            post("/orders/reserve_flaky", 9, order="o-5", fail_times=9)
            post("/orders/retry_without_cause", 3, order="o-6")
    if system.wanted("failure"):
        with system.case("failure"):
            post("/orders/charge", 1, order="o-7", amount=500)
            post("/orders/charge/wait", 1, order="o-8", amount=500)
    if system.wanted("failure-expected"):
        with system.case("failure-expected"):
            post("/orders/charge_expected", 1, order="o-9", amount=500)
    if system.wanted("ignored-rejected"):
        with system.case("ignored-rejected"):
            post("/orders/ignore", 1, order="o-10")
            post("/orders/reject", 1, order="o-11")
    if system.wanted("callee-refused"):
        with system.case("callee-refused"):
            post("/orders/reserve_nowhere", 1, order="o-12")
    if system.wanted("time-limit"):
        with system.case("time-limit"):
            post("/orders/report", 4, order="o-13")
            post("/orders/report_soft", 3, order="o-14")
            post("/orders/report_soft_caught", 3, order="o-15")
            post("/orders/report/wait", 4, order="o-16")
    if system.wanted("worker-lost"):
        with system.case("worker-lost"):
            post("/orders/pack", order="lost-1", seconds=30)
            os.kill(pid_of("lost-1"), signal.SIGKILL)
            time.sleep(2)
    if system.wanted("worker-lost-waiting"):
        with system.case("worker-lost-waiting"):
            waiting = subprocess.Popen(
                [sys.executable, "-c", f"from harness import call; call('{FRONT}/orders/pack/wait', 'POST', b'{{\"order\": \"lost-2\", \"seconds\": 30}}')"],
                cwd=pathlib.Path(__file__).parents[2],
            )
            os.kill(pid_of("lost-2"), signal.SIGKILL)
            waiting.wait(30)
    if system.wanted("worker-lost-redelivered"):
        with system.case("worker-lost-redelivered"):
            post("/orders/pack_late", order="lost-3", seconds=3)
            os.kill(pid_of("lost-3"), signal.SIGKILL)
            time.sleep(6)
    if system.wanted("revoked-running"):
        with system.case("revoked-running"):
            task = post("/orders/pack", order="revoked-1", seconds=30)["task"]
            pid_of("revoked-1")
            celery("control", "terminate", "SIGTERM", task)
            time.sleep(2)
    if system.wanted("canvas"):
        with system.case("canvas"):
            post("/chain/o-17", 2)
            post("/group/4", 2)
            post("/chord/3", 3)
            post("/chain-failing/o-18", 2)
    if system.wanted("n-plus-one"):
        with system.case("n-plus-one"):
            post("/orders/count_http", 2, articles=20)
            post("/orders/count_sql", 2, articles=20)
    if system.wanted("slow-callee"):
        with system.case("slow-callee"):
            for number in range(8):
                post("/orders/reserve", 0.3, order=f"o-2{number}", seconds=0.02)
            post("/orders/reserve", 3, order="o-30", seconds=2)
    if system.wanted("countdown"):
        with system.case("countdown"):
            post("/orders/reserve", 5, order="o-31", options={"countdown": 3})
    if system.wanted("send-by-name"):
        flask(system, "shop-front-by-name", "front_by_name", 18002)
        with system.case("send-by-name"):
            post("/orders/o-32", 2, front=BY_NAME)
    if system.wanted("produced-outside"):
        with system.case("produced-outside"):
            # The sender is not instrumented at all, so the task's span is a root.
            subprocess.run([sys.executable, "-c", "import tasks; tasks.reserve.delay('o-33')"], cwd=pathlib.Path(__file__).parent, check=True)
            time.sleep(2)
    if system.wanted("whole-worker-lost"):
        # Every process of the worker is killed, its parent too; another worker gets the message after the visibility
        # timeout when the task acknowledges late, and never when it does not.
        with system.case("whole-worker-lost"):
            post("/orders/pack_late", order="lost-4", seconds=2)
            post("/orders/pack", order="lost-5", seconds=2)
            pid_of("lost-4"), pid_of("lost-5")
            system.stop(running, signal.SIGKILL)
            time.sleep(4)
            running = worker(system, name="worker2")
            time.sleep(25)
    system.stop(running)


def with_small_worker(system):
    """A worker that runs one task at a time."""
    names = ("queue-wait", "revoked-waiting", "expired")
    if not any(system.wanted(name) for name in names):
        return
    running = worker(system, processes=1)
    warm_up()
    if system.wanted("queue-wait"):
        with system.case("queue-wait"):
            for number in range(8):
                post("/orders/label", 0.3, order=f"o-4{number}")
            post("/orders/pack", order="busy", seconds=3)
            pid_of("busy")
            post("/orders/label", 5, order="o-50")
    if system.wanted("revoked-waiting"):
        with system.case("revoked-waiting"):
            post("/orders/pack", order="busy-2", seconds=5)
            pid_of("busy-2")
            task = post("/orders/label", order="revoked-2")["task"]
            celery("control", "revoke", task)
            time.sleep(7)
    if system.wanted("expired"):
        with system.case("expired"):
            post("/orders/pack", order="busy-3", seconds=4)
            pid_of("busy-3")
            post("/orders/label", 6, order="o-51", options={"expires": 1})
    system.stop(running)


def without_worker(system):
    if system.wanted("never-picked-up"):
        with system.case("never-picked-up"):
            post("/orders/reserve", order="o-60")
            post("/orders/reserve/wait", order="o-61", timeout=2)
        celery("purge", "-f")


def with_redis_spans(system):
    """What the instrumentation of the Redis client adds."""
    if system.wanted("redis-spans"):
        running = worker(system, processes=1, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="none")
        front = flask(system, "shop-front", "front", 18003, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="none")
        post("/orders/reserve", 2, front="http://127.0.0.1:18003", order="warm")
        with system.case("redis-spans"):
            post("/orders/reserve", 2, front="http://127.0.0.1:18003", order="o-62")
        system.stop(front)
        system.stop(running)


def with_links(system):
    """The task's span is a root of its own that links to the sender's (`use_span_links`)."""
    if system.wanted("span-links"):
        running = worker(system, processes=1, SPAN_LINKS="yes", OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="redis,celery")
        post("/orders/reserve", 2, order="warm")
        with system.case("span-links"):
            post("/orders/reserve", 2, order="o-63")
            post("/orders/charge", 2, order="o-64", amount=500)
        system.stop(running)


def without_broker(system, broker):
    if system.wanted("broker-down"):
        system.stop(broker)
        with system.case("broker-down"):
            post("/orders/reserve", order="o-65", options={"ignore_result": True})
            post("/orders/reserve", order="o-66")


def main():
    services = ["shop-front", "shop-front-by-name", "shop-worker", "shop-stock"]
    with System(pathlib.Path(__file__).parents[1], services) as system:
        broker = redis(system)
        flask(system, "shop-stock", "stock", 18001)
        flask(system, "shop-front", "front", 18000)
        with_worker(system)
        with_small_worker(system)
        without_worker(system)
        with_redis_spans(system)
        with_links(system)
        without_broker(system, broker)


if __name__ == "__main__":
    main()
