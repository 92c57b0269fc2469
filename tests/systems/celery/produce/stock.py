"""The stock service that tasks ask over HTTP."""

import time

from flask import Flask, request

web = Flask("stock")


@web.get("/articles/<article>")
def article(article):
    time.sleep(float(request.args.get("seconds", 0)))
    return {"article": article, "number": 7}


@web.get("/locked/<article>")
def locked(article):
    return {"article": article}, 423
