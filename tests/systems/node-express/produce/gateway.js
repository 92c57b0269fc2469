// The gateway: takes requests and asks the catalog, by fetch and by axios.
const axios = require("axios");
const express = require("express");

const CATALOG = process.env.CATALOG ?? "http://127.0.0.1:18021";
const app = express();

// Express 5 passes a rejection on to its error handler; Express 4 of the older packages does not.
const get = (path, handler) =>
  app.get(path, (request, response, next) => Promise.resolve(handler(request, response)).catch(next));

async function catalog(path, options) {
  const answer = await fetch(CATALOG + path, options);
  if (!answer.ok) {
    throw new Error(`catalog answered ${answer.status} to ${path}`);
  }
  return answer.json();
}

get("/orders/:order", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}?seconds=${request.query.seconds ?? 0}`));
});

// The same by axios.
get("/orders/:order/axios", async (request, response) => {
  response.json((await axios.get(`${CATALOG}/articles/${request.params.order}`)).data);
});

// The catalog fails deep inside; nobody on the way catches it.
get("/orders/:order/margin", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}/margin`));
});

get("/orders/:order/margin/axios", async (request, response) => {
  response.json((await axios.get(`${CATALOG}/articles/${request.params.order}/margin`)).data);
});

// The catalog's database has no such table.
get("/orders/:order/reservation", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}/reservation`));
});

// Nothing listens at the invoice service.
get("/orders/:order/invoice", async (request, response) => {
  response.json(await (await fetch("http://127.0.0.1:18029/invoices")).json());
});

get("/orders/:order/invoice/axios", async (request, response) => {
  response.json((await axios.get("http://127.0.0.1:18029/invoices")).data);
});

// Waits for a second; the catalog needs two.
get("/orders/:order/forecast", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}?seconds=2`, { signal: AbortSignal.timeout(1000) }));
});

get("/orders/:order/forecast/axios", async (request, response) => {
  response.json((await axios.get(`${CATALOG}/articles/${request.params.order}?seconds=2`, { timeout: 1000 })).data);
});

// The rating is optional: without it the order is answered all the same.
get("/orders/:order/rating", async (request, response) => {
  await fetch("http://127.0.0.1:18029/ratings").catch(() => undefined);
  response.json(await catalog(`/articles/${request.params.order}`));
});

get("/orders/:order/missing", async (request, response) => {
  const answer = await fetch(`${CATALOG}/articles/${request.params.order}/missing`);
  response.status(answer.status).json({});
});

// N+1: one request for each article, one after the other.
get("/catalog/http", async (_request, response) => {
  const articles = [];
  for (let article = 0; article < 12; article++) {
    articles.push(await catalog(`/articles/${article}`));
  }
  response.json(articles);
});

// N+1: the catalog asks its database once for each article.
get("/catalog/sql", async (_request, response) => {
  response.json(await catalog("/catalog"));
});

app.listen(Number(process.env.PORT), "127.0.0.1");
