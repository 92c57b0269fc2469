"""Runs a system case by case and saves what Jaeger answers about each case as fixtures.

A case is a stretch of wall-clock time: everything that starts between its first and its last moment belongs to it.
When it ends, the harness waits until Jaeger has no new spans, then reads every trace of that time by its id, from the
legacy API (`NAME.json`) and from API v3 (`NAME.v3.json`). What depends on the machine is replaced: host names, process
ids, commands, paths. Stack traces are cut to the frames next to the error. Nothing else is changed.

Needs a Jaeger that answers both APIs and takes OTLP over HTTP; see README.md.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

JAEGER = os.environ.get("JAEGER_URL", "http://127.0.0.1:16686")
OTLP = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")

# Longest file that is still easy to read and review.
MAX_BYTES = 150_000

NEUTRAL_RESOURCE = {
    "host.name": "host-1",
    "host.id": "host-1",
    "process.owner": "app",
    "process.command": "app",
    "process.command_line": "app",
    "process.executable.path": "/app/bin/app",
    "process.runtime.description": "runtime",
    "os.description": "Linux",
    "os.version": "6.1",
}
STACK_KEYS = {"exception.stacktrace", "stack"}


class System:
    """The processes of one system under its own folder, and the cases run on it."""

    def __init__(self, folder, services, settle=2.0):
        self.folder = pathlib.Path(folder).resolve()
        self.services = services
        self.settle = settle
        self.processes = []
        self.logs = pathlib.Path(os.environ.get("SYSTEMS_LOGS", "/tmp/ktrdr-systems"))
        self.logs.mkdir(parents=True, exist_ok=True)
        self.only = set(sys.argv[1:])

    def start(self, name, command, port=None, wait=60, cwd=None, **env):
        """Starts a process in a group of its own; with `port`, returns when something listens there."""
        environment = os.environ | {
            "OTEL_SERVICE_NAME": name,
            "OTEL_EXPORTER_OTLP_ENDPOINT": OTLP,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "PYTHONUNBUFFERED": "1",
        }
        environment |= env
        log = open(self.logs / f"{self.folder.name}-{name}.log", "a")
        process = subprocess.Popen(
            command, cwd=cwd or self.folder / "produce", env=environment, stdout=log, stderr=log, start_new_session=True
        )
        self.processes.append(process)
        if port:
            wait_for_port(port, wait, process)
        return process

    def stop(self, process, how=signal.SIGTERM, wait=20):
        """Ends a process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(wait)
        if process in self.processes:
            self.processes.remove(process)

    def stop_all(self):
        for process in reversed(self.processes[:]):
            self.stop(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()

    def wanted(self, name):
        return not self.only or name in self.only

    @contextlib.contextmanager
    def case(self, name, keep=None):
        """Saves the traces that start inside of the `with` block. `keep(trace)` can leave traces out."""
        time.sleep(1)
        start = time.time()
        yield
        self.save(name, start, time.time(), keep)

    def save(self, name, start, end, keep=None):
        ids = self.wait_for_traces(start, end)
        legacy = [get(f"/api/traces/{trace_id}")["data"][0] for trace_id in ids]  # the only read with adjustments
        legacy = [trace for trace in legacy if keep is None or keep(trace)]
        legacy.sort(key=lambda trace: min(span["startTime"] for span in trace["spans"]))
        v3 = []
        for trace in legacy:
            v3 += get(f"/api/v3/traces/{trace['traceID']}?raw_traces=true")["result"]["resourceSpans"]
        answer = {"data": [sorted_spans(trace) for trace in legacy], "total": 0, "limit": 0, "offset": 0, "errors": None}
        scrub = Scrubber()
        self.write(f"{name}.json", scrub.legacy(answer))
        self.write(f"{name}.v3.json", scrub.v3({"result": {"resourceSpans": v3}}))
        print_overview(name, legacy)

    def wait_for_traces(self, start, end):
        """Ids of the traces in a stretch of time. The answers are raw: a read with adjustments leaves warnings behind."""
        seen, quiet_since = {}, time.time()
        while time.time() - quiet_since < self.settle:
            time.sleep(0.5)
            found = {}
            for service in self.services:
                query = urllib.parse.urlencode(
                    {"service": service, "start": int(start * 1e6), "end": int(end * 1e6), "limit": 1500, "raw": "true"}
                )
                for trace in get(f"/api/traces?{query}")["data"] or []:
                    found[trace["traceID"]] = len(trace["spans"])
            # A trace belongs to the case that it began in.
            if found != seen:
                seen, quiet_since = found, time.time()
        return list(seen)

    def write(self, name, value):
        text = dumps(value) + "\n"
        if len(text.encode()) > MAX_BYTES:
            print(f"  ! {name}: {len(text)} bytes", file=sys.stderr)
        (self.folder / name).write_text(text)


class Postgres:
    """A PostgreSQL server of its own in a temporary folder, with user and database `shop`."""

    def __init__(self, port, schema):
        self.port = port
        self.schema = schema
        # PostgreSQL refuses to run as the superuser.
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.bin = os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin")

    def run(self, program, *arguments, **options):
        subprocess.run([*self.user, f"{self.bin}/{program}", *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/", **options)

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        if self.user:
            shutil.chown(self.folder, "postgres")
        data = f"{self.folder}/data"
        self.run("initdb", "-D", data, "-U", "shop", "--auth=trust")
        options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -p {self.port} -c fsync=off"
        self.run("pg_ctl", "-D", data, "-w", "-l", f"{self.folder}/log", "-o", options, "start")
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "shop"]
        self.run("createdb", *address, "shop")
        self.run("psql", *address, "-q", "-d", "shop", input=self.schema.encode())
        return self

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def get(path):
    with urllib.request.urlopen(JAEGER + path, timeout=60) as answer:
        return json.load(answer)


def call(url, method="GET", data=None, timeout=60):
    """A request without instrumentation: status and body, whatever the status. Status 0: no answer."""
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(url, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (urllib.error.URLError, OSError) as error:
        return 0, str(error)


def ask(port, path, wait=0.2):
    """A request to a service of the system; its status is shown."""
    print(f"  {path}: {call(f'http://127.0.0.1:{port}{path}')[0]}")
    time.sleep(wait)


def warm_up(port, *paths, times=3):
    """The first requests open connections and load code; they belong to no case."""
    for _ in range(times):
        for path in paths:
            ask(port, path)


def run_cases(system, port, cases, names=None, prefix=""):
    """Records cases, each a list of paths to ask for; with `names`, only those."""
    for name in names or cases:
        if system.wanted(prefix + name):
            with system.case(prefix + name):
                for path in cases[name]:
                    ask(port, path)
                # The callee goes on after its caller has given up.
                time.sleep(1.5 if name == "callee-timeout" else 0)


def run_missing_root(system, start, port, *paths):
    """Records requests to a front that is killed before it has exported a span. `start(port, **env)` starts it."""
    if system.wanted("missing-root"):
        front = start(port, OTEL_BSP_SCHEDULE_DELAY="60000")
        ask(port, "/orders/1")
        with system.case("missing-root"):
            for path in paths:
                ask(port, path)
            system.stop(front, signal.SIGKILL)


def wait_for_port(port, seconds, process=None):
    end = time.time() + seconds
    while time.time() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the process for port {port} ended with {process.returncode}; see its log")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise RuntimeError(f"nothing listens on port {port} after {seconds} s")


def sorted_spans(trace):
    spans = sorted(trace["spans"], key=lambda span: (span["startTime"], span["spanID"]))
    return trace | {"spans": spans}


class Scrubber:
    """Replaces what belongs to the machine, each time by the same value within one case."""

    def __init__(self):
        self.pids = {}

    def pid(self, value):
        return self.pids.setdefault(str(value), 101 + len(self.pids))

    def legacy(self, answer):
        for trace in answer["data"]:
            for process in trace["processes"].values():
                process["tags"] = [self.legacy_resource(tag) for tag in process["tags"] if keep_resource(tag["key"])]
            for span in trace["spans"]:
                for tag in span["tags"] + [field for log in span["logs"] for field in log["fields"]]:
                    if isinstance(tag["value"], str):
                        tag["value"] = self.text(tag["key"], tag["value"])
        return answer

    def legacy_resource(self, tag):
        value = tag["value"]
        if tag["key"] in ("process.pid", "process.parent_pid"):
            value = self.pid(value)
        elif isinstance(value, str):
            value = NEUTRAL_RESOURCE.get(tag["key"], self.text(tag["key"], value))
        return tag | {"value": value}

    def v3(self, answer):
        for resource_spans in answer["result"]["resourceSpans"]:
            resource = resource_spans.get("resource", {})
            resource["attributes"] = [
                self.v3_resource(attribute) for attribute in resource.get("attributes", []) if keep_resource(attribute["key"])
            ]
            for scope_spans in resource_spans["scopeSpans"]:
                for span in scope_spans["spans"]:
                    events = [attribute for event in span.get("events", []) for attribute in event.get("attributes", [])]
                    for attribute in span.get("attributes", []) + events:
                        self.v3_value(attribute["key"], attribute["value"])
                    if "message" in span.get("status", {}):
                        span["status"]["message"] = self.text("status", span["status"]["message"])
        return answer

    def v3_value(self, key, value):
        if "stringValue" in value:
            value["stringValue"] = self.text(key, value["stringValue"])
        for item in value.get("arrayValue", {}).get("values", []):
            self.v3_value(key, item)

    def v3_resource(self, attribute):
        key, value = attribute["key"], attribute["value"]
        if key in ("process.pid", "process.parent_pid") and "intValue" in value:
            value["intValue"] = str(self.pid(value["intValue"]))
        elif key in NEUTRAL_RESOURCE and "stringValue" in value:
            value["stringValue"] = NEUTRAL_RESOURCE[key]
        else:
            self.v3_value(key, value)
        return attribute

    def text(self, key, text):
        if key in STACK_KEYS:
            text = short_stack(text)
        text = text.replace(socket.gethostname(), "host-1")
        text = re.sub(r"\bgen(\d+)@", lambda found: f"gen{self.pid(found[1])}@", text)
        text = re.sub(r"\bpid: ?(\d+)\b", lambda found: f"pid: {self.pid(found[1])}", text)
        text = re.sub(r"[\w./-]*/(site-packages|node_modules|produce)/", lambda found: f"{found[1]}/", text)
        text = re.sub(r"(?:/[\w.+-]+)+/lib/python3\.\d+/", "python3/", text)
        text = re.sub(r"(?:/[\w.@+-]+)+/pkg/mod/", "mod/", text)
        return re.sub(r"/usr/local/go/src/", "go/src/", text)


def keep_resource(key):
    return key not in ("process.command_args", "container.id")


def short_stack(text):
    """The lines that name exceptions, and the frames next to them: the last ones of Python, the first ones elsewhere."""
    python = "Traceback (most recent call last)" in text
    kept, frames = [], []

    def flush():
        kept.extend(frames[-4:] if python else frames[:3])
        frames.clear()

    for line in text.split("\n"):
        if re.match(r"\s+\S", line) and not re.match(r"\s*(Caused by|Suppressed)", line):
            # Marks under the code of a Python frame, and "... 42 more" of Java, say nothing here.
            if not re.match(r"\s+([~^ ]+$|\.\.\. \d+ more)", line):
                frames.append(line)
        else:
            flush()
            kept.append(line)
    flush()
    return "\n".join(kept)


# Each span on a line of its own, so that a change of a fixture can be reviewed.
OPEN_LISTS = {"data", "spans", "resourceSpans", "scopeSpans"}
OPEN_OBJECTS = {"", "data", "result", "resourceSpans", "scopeSpans", "processes"}


def dumps(value, key="", indent=""):
    inner = indent + " "
    if isinstance(value, list) and key in OPEN_LISTS and value:
        items = [inner + dumps(item, key, inner) for item in value]
        return "[\n" + ",\n".join(items) + "\n" + indent + "]"
    if isinstance(value, dict) and key in OPEN_OBJECTS and value:
        items = [f"{inner}{json.dumps(name)}: {dumps(item, name, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + indent + "}"
    return json.dumps(value, ensure_ascii=False)


def print_overview(name, traces):
    print(f"== {name}: {len(traces)} traces")
    for trace in traces:
        spans = {span["spanID"]: span for span in trace["spans"]}
        first = min(span["startTime"] for span in trace["spans"])
        print(f"  {trace['traceID']}")
        for span in trace["spans"]:
            parents = [reference["spanID"] for reference in span["references"]]
            tags = {tag["key"]: tag["value"] for tag in span["tags"]}
            marks = []
            if parents and parents[0] not in spans:
                marks.append("parent missing")
            if tags.get("error"):
                marks.append(f"error: {tags.get('otel.status_description', '')!r}")
            if "celery.state" in tags:
                marks.append(tags["celery.state"])
            for log in span["logs"]:
                fields = {field["key"]: field["value"] for field in log["fields"]}
                if "exception.type" in fields:
                    marks.append(f"{fields['exception.type']}: {fields.get('exception.message', '')}"[:120])
            depth = 0
            while parents and parents[0] in spans and depth < 30:
                depth += 1
                parents = [reference["spanID"] for reference in spans[parents[0]]["references"]]
            service = trace["processes"][span["processID"]]["serviceName"]
            print(
                f"  {(span['startTime'] - first) / 1e3:9.1f} +{span['duration'] / 1e3:8.1f} ms {'  ' * depth}{service}:"
                f" {span['operationName']} ({tags.get('span.kind', '')}) {'; '.join(marks)}"
            )
    sys.stdout.flush()
