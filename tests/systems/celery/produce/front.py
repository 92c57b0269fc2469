"""The web front: takes orders and hands them to the worker by `delay` or `apply_async`."""

import json

from celery import chain, chord, group
from flask import Flask, request

import tasks

web = Flask("shop")


@web.post("/orders/<task>")
def order(task):
    """Sends one task and answers at once. The body holds the arguments and `options` of `apply_async`."""
    body = json.loads(request.data or b"{}")
    options = body.pop("options", {})
    if options:
        sent = getattr(tasks, task).apply_async(kwargs=body, **options)
    else:
        sent = getattr(tasks, task).delay(**body)
    return {"task": sent.id}, 202


@web.post("/orders/<task>/wait")
def order_and_wait(task):
    """Sends one task and waits for its result."""
    body = json.loads(request.data or b"{}")
    options = body.pop("options", {})
    timeout = body.pop("timeout", 20)
    return {"result": getattr(tasks, task).apply_async(kwargs=body, **options).get(timeout=timeout)}


@web.post("/by-name/<task>")
def by_name(task):
    """Sends a task that this process has not registered: only its name is known."""
    body = json.loads(request.data or b"{}")
    return {"task": tasks.app.send_task(task, kwargs=body).id}, 202


@web.post("/chain/<order>")
def run_chain(order):
    steps = chain(tasks.reserve.s(order), tasks.label.s(), tasks.invoice.s())
    return {"task": steps.apply_async().id}, 202


@web.post("/chain-failing/<order>")
def run_failing_chain(order):
    steps = chain(tasks.reserve.s(order), tasks.charge.si(order, 500), tasks.invoice.s())
    return {"task": steps.apply_async().id}, 202


@web.post("/group/<int:orders>")
def run_group(orders):
    return {"task": group(tasks.label.s(order) for order in range(orders)).apply_async().id}, 202


@web.post("/chord/<int:orders>")
def run_chord(orders):
    return {"task": chord(tasks.label.s(order) for order in range(orders))(tasks.invoice.s()).id}, 202
