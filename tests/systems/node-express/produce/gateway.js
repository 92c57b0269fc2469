// The gateway: takes requests and asks the catalog, by fetch and by axios.
const axios = require("axios");
const express = require("express");

const CATALOG = process.env.CATALOG ?? "http://127.0.0.1:18021";
const app = express();

async function catalog(path, options) {
  const answer = await fetch(CATALOG + path, options);
  if (!answer.ok) {
    throw new Error(`catalog answered ${answer.status} to ${path}`);
  }
  return answer.json();
}

app.get("/orders/:order", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}?seconds=${request.query.seconds ?? 0}`));
});

// The same by axios.
app.get("/orders/:order/axios", async (request, response) => {
  response.json((await axios.get(`${CATALOG}/articles/${request.params.order}`)).data);
});

// The catalog fails deep inside; nobody on the way catches it.
app.get("/orders/:order/margin", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}/margin`));
});

app.get("/orders/:order/margin/axios", async (request, response) => {
  response.json((await axios.get(`${CATALOG}/articles/${request.params.order}/margin`)).data);
});

// The catalog's database has no such table.
app.get("/orders/:order/reservation", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}/reservation`));
});

// Nothing listens at the invoice service.
app.get("/orders/:order/invoice", async (request, response) => {
  response.json(await (await fetch("http://127.0.0.1:18029/invoices")).json());
});

app.get("/orders/:order/invoice/axios", async (request, response) => {
  response.json((await axios.get("http://127.0.0.1:18029/invoices")).data);
});

// Waits for a second; the catalog needs two.
app.get("/orders/:order/forecast", async (request, response) => {
  response.json(await catalog(`/articles/${request.params.order}?seconds=2`, { signal: AbortSignal.timeout(1000) }));
});

app.get("/orders/:order/forecast/axios", async (request, response) => {
  response.json((await axios.get(`${CATALOG}/articles/${request.params.order}?seconds=2`, { timeout: 1000 })).data);
});

// The rating is optional: without it the order is answered all the same.
app.get("/orders/:order/rating", async (request, response) => {
  await fetch("http://127.0.0.1:18029/ratings").catch(() => undefined);
  response.json(await catalog(`/articles/${request.params.order}`));
});

app.get("/orders/:order/missing", async (request, response) => {
  const answer = await fetch(`${CATALOG}/articles/${request.params.order}/missing`);
  response.status(answer.status).json({});
});

// N+1: one request for each article, one after the other.
app.get("/catalog/http", async (_request, response) => {
  const articles = [];
  for (let article = 0; article < 12; article++) {
    articles.push(await catalog(`/articles/${article}`));
  }
  response.json(articles);
});

// N+1: the catalog asks its database once for each article.
app.get("/catalog/sql", async (_request, response) => {
  response.json(await catalog("/catalog"));
});

app.listen(Number(process.env.PORT), "127.0.0.1");
