"""The gateway: takes requests and asks the stock service over httpx."""

import asyncio
import os

import httpx
from fastapi import BackgroundTasks, FastAPI, HTTPException

STOCK = os.environ.get("STOCK", "http://127.0.0.1:18011")
app = FastAPI()


@app.get("/orders/{order}")
async def order(order: int, seconds: float = 0.0):
    return await stock(f"/articles/{order}", seconds=seconds)


async def stock(path, timeout=5.0, **parameters):
    async with httpx.AsyncClient(base_url=STOCK, timeout=timeout) as client:
        answer = await client.get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()


@app.get("/orders/{order}/margin")
async def margin(order: int):
    """The stock service fails deep inside; nobody on the way catches it."""
    return await stock(f"/articles/{order}/margin")


@app.get("/orders/{order}/reservation")
async def reservation(order: int):
    """The stock service's database has no such table."""
    return await stock(f"/articles/{order}/reservation")


@app.get("/orders/{order}/invoice")
async def invoice(order: int):
    """Nothing listens at the invoice service."""
    async with httpx.AsyncClient() as client:
        return (await client.get("http://127.0.0.1:18019/invoices")).json()


@app.get("/orders/{order}/forecast")
async def forecast(order: int):
    """Waits for a second; the stock service needs two."""
    try:
        return await stock(f"/articles/{order}", timeout=1.0, seconds=2.0)
    except httpx.TimeoutException as error:
        raise HTTPException(504, "stock does not answer in time") from error


@app.get("/orders/{order}/rating")
async def rating(order: int):
    """The rating is optional: without it the order is answered all the same."""
    try:
        async with httpx.AsyncClient() as client:
            await client.get("http://127.0.0.1:18019/ratings")
    except httpx.ConnectError:
        pass
    return await stock(f"/articles/{order}")


@app.get("/orders/{order}/missing")
async def missing(order: int):
    """The stock service answers 404, and so does the gateway."""
    try:
        return await stock(f"/articles/{order}/missing")
    except httpx.HTTPStatusError as error:
        raise HTTPException(error.response.status_code, "no such article") from error


@app.get("/orders/{order}/both")
async def both(order: int):
    """Two questions at once in a task group; one fails, and an ExceptionGroup arises."""
    async with asyncio.TaskGroup() as group:
        group.create_task(stock(f"/articles/{order}"))
        group.create_task(stock(f"/articles/{order}/margin"))


@app.get("/orders/{order}/mail")
async def mail(order: int, background: BackgroundTasks):
    """Answers at once; what follows fails after the answer."""
    background.add_task(send_mail, order)
    return {"order": order}


async def send_mail(order):
    await stock(f"/articles/{order}")
    raise ConnectionResetError(f"mail server closed the connection, order {order} is not confirmed")


@app.get("/catalog/http")
async def catalog_http(articles: int = 20):
    """N+1: one request for each article, one after the other."""
    return [await stock(f"/articles/{article}") for article in range(articles)]


@app.get("/catalog/sql")
async def catalog_sql(articles: int = 20):
    """N+1: the stock service asks its database once for each article."""
    return await stock("/catalog", articles=articles)


@app.get("/catalog/together")
async def catalog_together(articles: int = 6):
    """The same at once, and one answer is slow: not an N+1."""
    seconds = [0.05] * (articles - 1) + [0.6]
    return await asyncio.gather(*(stock(f"/articles/{article}", seconds=seconds[article]) for article in range(articles)))
