"""The stock service: answers from an SQLite database through SQLAlchemy."""

import time

from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, text

app = FastAPI()
engine = create_engine("sqlite:///file:stock?mode=memory&cache=shared&uri=true")

with engine.begin() as connection:
    connection.execute(text("create table articles (id integer primary key, price integer)"))
    connection.execute(text("insert into articles values (0, 5)"))
    for number in range(1, 40):
        connection.execute(text("insert into articles values (:id, :price)"), {"id": number, "price": number * 3})


def price(article):
    with engine.connect() as connection:
        return connection.execute(text("select price from articles where id = :id"), {"id": article}).scalar_one()


@app.get("/articles/{article}")
def get_article(article: int, seconds: float = 0.0):
    time.sleep(seconds)
    return {"article": article, "price": price(article)}


@app.get("/articles/{article}/margin")
def get_margin(article: int):
    return {"margin": margin(price(article), 0)}


def margin(price, cost):
    return share(price - cost, cost)


def share(gain, cost):
    return gain / cost


@app.get("/articles/{article}/reservation")
def get_reservation(article: int):
    with engine.connect() as connection:
        return connection.execute(text("select * from reservations where article = :id"), {"id": article}).all()


@app.get("/articles/{article}/missing")
def get_missing(article: int):
    raise HTTPException(404, f"no article {article}")


@app.get("/catalog")
def get_catalog(articles: int):
    return [price(article) for article in range(articles)]
