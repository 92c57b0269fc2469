"""A front that does not import the tasks: it knows the broker and the names of tasks only."""

from celery import Celery
from flask import Flask

app = Celery("front", broker="redis://127.0.0.1:6379/0")
web = Flask("shop-by-name")


@web.post("/orders/<order>")
def order(order):
    return {"task": app.send_task("shop.reserve", kwargs={"order": order}).id}, 202
