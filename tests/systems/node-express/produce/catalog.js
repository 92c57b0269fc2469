// The catalog: answers from PostgreSQL.
const express = require("express");
const { Pool } = require("pg");

const pool = new Pool({ host: "127.0.0.1", port: 18025, user: "shop", database: "shop" });
const app = express();

// Express 5 passes a rejection on to its error handler; Express 4 of the older packages does not.
const get = (path, handler) =>
  app.get(path, (request, response, next) => Promise.resolve(handler(request, response)).catch(next));

async function price(article) {
  const { rows } = await pool.query("SELECT price FROM articles WHERE id = $1", [article]);
  return rows[0].price;
}

get("/articles/:article", async (request, response) => {
  await new Promise((resolve) => setTimeout(resolve, Number(request.query.seconds ?? 0) * 1000));
  response.json({ article: request.params.article, price: await price(request.params.article) });
});

get("/articles/:article/margin", async (request, response) => {
  response.json({ margin: margin(await price(request.params.article)) });
});

function margin(price) {
  return share(price, undefined);
}

function share(price, cost) {
  return price - cost.amount;
}

get("/articles/:article/reservation", async (request, response) => {
  response.json((await pool.query("SELECT * FROM reservations WHERE article = $1", [request.params.article])).rows);
});

get("/articles/:article/missing", (_request, response) => {
  response.status(404).json({});
});

get("/catalog", async (_request, response) => {
  const prices = [];
  for (let article = 0; article < 12; article++) {
    prices.push(await price(article));
  }
  response.json(prices);
});

app.listen(Number(process.env.PORT), "127.0.0.1");
