"""The worker's tasks: what a shop does with an order after the web request has been answered."""

import os
import pathlib
import time

import requests
from celery import Celery, signals
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from sqlalchemy import create_engine, text

REDIS = "redis://127.0.0.1:6379"
STOCK = "http://127.0.0.1:18001"

app = Celery("shop", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # An unacknowledged message comes back after this time (for tasks with acks_late whose worker is gone).
        "visibility_timeout": 5,
        # Without these, a sender waits for a broker that is down for ever.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.2,
    },
    worker_prefetch_multiplier=1,
)


@signals.worker_process_init.connect(weak=False)
def link_instead_of_parent(**_):
    """The worker's spans link to the sender's instead of being their children."""
    if os.environ.get("SPAN_LINKS"):
        CeleryInstrumentor().instrument(use_span_links=True)


class StockUnavailable(Exception):
    pass


class PaymentDeclined(Exception):
    pass


class OutOfStock(Exception):
    pass


def note_pid(order):
    """Lets the cases kill exactly the process that runs this order."""
    pathlib.Path(os.environ["PID_FOLDER"], str(order)).write_text(str(os.getpid()))


@app.task(name="shop.reserve")
def reserve(order, seconds=0.0):
    """Ask the stock service, which may take its time."""
    answer = requests.get(f"{STOCK}/articles/{order}", params={"seconds": seconds}, timeout=10)
    answer.raise_for_status()
    return order


@app.task(name="shop.reserve_flaky", bind=True, autoretry_for=(StockUnavailable,), retry_backoff=1, retry_jitter=False, max_retries=3)
def reserve_flaky(self, order, fail_times):
    """Fails the given number of times; Celery retries it."""
    if self.request.retries < fail_times:
        raise StockUnavailable(f"stock of order {order} is locked")
    return order


@app.task(name="shop.reserve_by_hand", bind=True, max_retries=2)
def reserve_by_hand(self, order, fail_times):
    """The same by `self.retry`, with the failing request inside of the task."""
    if self.request.retries < fail_times:
        try:
            answer = requests.get(f"{STOCK}/locked/{order}", timeout=10)
            answer.raise_for_status()
        except requests.HTTPError as error:
            raise self.retry(exc=error, countdown=1)
    return order


@app.task(name="shop.retry_without_cause", bind=True, max_retries=1)
def retry_without_cause(self, order):
    raise self.retry(countdown=1)


@app.task(name="shop.charge")
def charge(order, amount):
    return check_limit(order, amount)


def check_limit(order, amount):
    if amount > 100:
        raise PaymentDeclined(f"card of order {order} declined: {amount} is above the limit of 100")
    return amount


@app.task(name="shop.charge_expected", throws=(PaymentDeclined,))
def charge_expected(order, amount):
    """A failure that the author calls expected (`throws`)."""
    return check_limit(order, amount)


@app.task(name="shop.ignore")
def ignore(order):
    raise Ignore()


@app.task(name="shop.reject", acks_late=True)
def reject(order):
    raise Reject("no such order", requeue=False)


@app.task(name="shop.pack")
def pack(order, seconds):
    """Long work with calls at the beginning, so that something is seen of it even when it never ends."""
    note_pid(order)
    requests.get(f"{STOCK}/articles/{order}", timeout=10)
    time.sleep(seconds)
    return order


@app.task(name="shop.pack_late", acks_late=True, reject_on_worker_lost=True)
def pack_late(order, seconds):
    note_pid(order)
    requests.get(f"{STOCK}/articles/{order}", timeout=10)
    time.sleep(seconds)
    return order


@app.task(name="shop.report", time_limit=2)
def report(order):
    """Killed by the hard time limit."""
    requests.get(f"{STOCK}/articles/{order}", timeout=10)
    time.sleep(30)


@app.task(name="shop.report_soft", soft_time_limit=1)
def report_soft(order):
    time.sleep(30)


@app.task(name="shop.report_soft_caught", soft_time_limit=1)
def report_soft_caught(order):
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        return "partial report"


@app.task(name="shop.invoice")
def invoice(orders):
    return orders


@app.task(name="shop.label")
def label(order):
    time.sleep(0.05)
    return order


@app.task(name="shop.count_http")
def count_http(articles):
    """N+1: one request for each article."""
    for article in range(articles):
        requests.get(f"{STOCK}/articles/{article}", timeout=10)


@app.task(name="shop.count_sql")
def count_sql(articles):
    """N+1: one statement for each article."""
    with engine().connect() as connection:
        connection.execute(text("create table stock (article integer, number integer)"))
        rows = range(articles)
        for article in rows:
            connection.execute(text("select number from stock where article = :article"), {"article": article}).all()


def engine():
    return create_engine("sqlite://")


@app.task(name="shop.reserve_nowhere")
def reserve_nowhere(order):
    """Nothing listens on this port."""
    requests.get("http://127.0.0.1:18009/articles", timeout=2)
