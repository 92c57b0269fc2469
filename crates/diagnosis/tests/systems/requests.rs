//! Systems without a playbook of their own.

use trace::Micros;

use crate::{Expected, compare, generic};

/// All spans have arrived by then.
const LATER: Micros = Micros::from_secs(3600);

const PYTHON: &[Expected] = &[
    (
        "background-failure",
        &[
            "unreachable | gateway: GET /orders/{order}/mail | ConnectionResetError in gateway / BackgroundTask send_mail | span gateway / BackgroundTask send_mail",
        ],
    ),
    (
        "callee-refused",
        &[
            "unreachable | gateway: GET /orders/{order}/invoice | ConnectError in gateway / GET | span gateway / GET /orders/{order}/invoice",
        ],
    ),
    (
        "callee-timeout",
        &[
            "unreachable | gateway: GET /orders/{order}/forecast | ReadTimeout in gateway / GET | span stock / GET /articles/{article}",
        ],
    ),
    (
        "exception-group",
        &[
            "failed | gateway: GET /orders/{order}/both | ZeroDivisionError in stock / GET /articles/{article}/margin | span gateway / GET /orders/{order}/both",
        ],
    ),
    (
        "exception-in-callee",
        &[
            "failed | gateway: GET /orders/{order}/margin | ZeroDivisionError in stock / GET /articles/{article}/margin | span gateway / GET /orders/{order}/margin",
        ],
    ),
    (
        "missing-root",
        &[
            "trace_broken | stock: GET /articles/{article} | - | span stock / GET /articles/{article}",
            "failed | stock: GET /articles/{article}/margin | ZeroDivisionError in stock / GET /articles/{article}/margin | span stock / GET /articles/{article}/margin | trace.root_missing",
        ],
    ),
    (
        "n-plus-one",
        &[
            "healthy | gateway: GET /catalog/http | - | span gateway / GET /catalog/http | chatty.n_plus_one",
            "healthy | gateway: GET /catalog/sql | - | span gateway / GET /catalog/sql | chatty.n_plus_one",
        ],
    ),
    (
        "new-names-callee-refused",
        &[
            "unreachable | gateway: GET /orders/{order}/invoice | ConnectError in gateway / GET | span gateway / GET /orders/{order}/invoice",
        ],
    ),
    (
        "new-names-callee-timeout",
        &[
            "unreachable | gateway: GET /orders/{order}/forecast | ReadTimeout in gateway / GET | span stock / GET /articles/{article}",
        ],
    ),
    (
        "new-names-exception-in-callee",
        &[
            "failed | gateway: GET /orders/{order}/margin | ZeroDivisionError in stock / GET /articles/{article}/margin | span gateway / GET /orders/{order}/margin",
        ],
    ),
    (
        "new-names-sql-error",
        &[
            "failed | gateway: GET /orders/{order}/reservation | OperationalError in stock / select | span gateway / GET /orders/{order}/reservation",
        ],
    ),
    ("new-names-success", &["healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}"]),
    (
        "not-found",
        &[
            "healthy | gateway: GET /orders/{order}/missing | HTTP 404 in gateway / GET | span gateway / GET /orders/{order}/missing | error.suppressed",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET | - | span gateway / GET",
        ],
    ),
    (
        "slow-callee",
        &[
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "slow | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
        ],
    ),
    (
        "sql-error",
        &[
            "failed | gateway: GET /orders/{order}/reservation | OperationalError in stock / select | span gateway / GET /orders/{order}/reservation",
        ],
    ),
    ("success", &["healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}"]),
    (
        "survived",
        &[
            "healthy | gateway: GET /orders/{order}/rating | - | span gateway / GET /orders/{order}/rating | error.suppressed",
        ],
    ),
    ("together", &["healthy | gateway: GET /catalog/together | - | span stock / GET /articles/{article}"]),
];

const NODE: &[Expected] = &[
    (
        "callee-refused",
        &[
            "unreachable | gateway: GET /orders/:order/invoice | ECONNREFUSED in gateway / GET | span gateway / GET",
            "unreachable | gateway: GET /orders/:order/invoice/axios | ECONNREFUSED in gateway / GET | span gateway / GET /orders/:order/invoice/axios",
        ],
    ),
    (
        "callee-timeout",
        &[
            "unreachable | gateway: GET /orders/:order/forecast | TimeoutError in gateway / GET | span catalog / request handler - /articles/:article",
            "unreachable | gateway: GET /orders/:order/forecast/axios | ECONNABORTED in gateway / GET | span catalog / request handler - /articles/:article",
        ],
    ),
    (
        "exception-in-callee",
        &[
            "failed | gateway: GET /orders/:order/margin | TypeError in catalog / request handler - /articles/:article/margin | span catalog / pg.query:SELECT shop",
            "failed | gateway: GET /orders/:order/margin/axios | TypeError in catalog / request handler - /articles/:article/margin | span catalog / pg.query:SELECT shop",
        ],
    ),
    (
        "missing-root",
        &[
            "trace_broken | catalog: GET /articles/:article | - | span catalog / request handler - /articles/:article",
            "failed | catalog: GET /articles/:article/margin | TypeError in catalog / request handler - /articles/:article/margin | span catalog / GET /articles/:article/margin | trace.root_missing",
        ],
    ),
    (
        "n-plus-one",
        &[
            "healthy | gateway: GET /catalog/http | - | span catalog / request handler - /articles/:article | chatty.n_plus_one",
            "healthy | gateway: GET /catalog/sql | - | span catalog / pg.query:SELECT shop | chatty.n_plus_one",
        ],
    ),
    (
        "not-found",
        &[
            "healthy | gateway: GET /orders/:order/missing | HTTP 404 in gateway / GET | network gateway / GET | error.suppressed",
            "healthy | gateway: GET | - | span gateway / GET",
        ],
    ),
    (
        "old-names-callee-refused",
        &[
            "unreachable | gateway: GET /orders/:order/invoice | ECONNREFUSED in gateway / GET | span gateway / GET /orders/:order/invoice",
            "unreachable | gateway: GET /orders/:order/invoice/axios | ECONNREFUSED in gateway / GET | span gateway / GET /orders/:order/invoice/axios",
        ],
    ),
    (
        "old-names-callee-timeout",
        &[
            "unreachable | gateway: GET /orders/:order/forecast | TimeoutError in gateway / GET | span catalog / GET /articles/:article",
            "unreachable | gateway: GET /orders/:order/forecast/axios | ECONNRESET in gateway / GET | span catalog / GET /articles/:article",
        ],
    ),
    (
        "old-names-exception-in-callee",
        &[
            "failed | gateway: GET /orders/:order/margin | HTTP 500 in catalog / GET /articles/:article/margin | span gateway / GET /orders/:order/margin",
            "failed | gateway: GET /orders/:order/margin/axios | HTTP 500 in catalog / GET /articles/:article/margin | span gateway / GET /orders/:order/margin/axios",
        ],
    ),
    (
        "old-names-sql-error",
        &[
            "failed | gateway: GET /orders/:order/reservation | DatabaseError in catalog / pg.query:SELECT shop | network gateway / GET",
        ],
    ),
    (
        "old-names-success",
        &[
            "healthy | gateway: GET /orders/:order | - | network gateway / GET",
            "healthy | gateway: GET /orders/:order/axios | - | span catalog / GET /articles/:article",
        ],
    ),
    (
        "slow-callee",
        &[
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "slow | gateway: GET /orders/:order | - | network gateway / GET",
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "healthy | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
            "slow | gateway: GET /orders/:order | - | span catalog / request handler - /articles/:article",
        ],
    ),
    (
        "sql-error",
        &[
            "failed | gateway: GET /orders/:order/reservation | DatabaseError in catalog / pg.query:SELECT shop | network gateway / GET",
        ],
    ),
    (
        "success",
        &[
            "healthy | gateway: GET /orders/:order | - | span catalog / pg.query:SELECT shop",
            "healthy | gateway: GET /orders/:order/axios | - | span catalog / pg.query:SELECT shop",
        ],
    ),
    (
        "survived",
        &[
            "healthy | gateway: GET /orders/:order/rating | - | span gateway / request handler - /orders/:order/rating | error.suppressed",
        ],
    ),
];

const JAVA: &[Expected] = &[
    (
        "callee-refused",
        &[
            "unreachable | gateway: GET /orders/{order}/invoice | ConnectException in gateway / GET | span gateway / GET /orders/{order}/invoice",
        ],
    ),
    (
        "callee-timeout",
        &[
            "unreachable | gateway: GET /orders/{order}/forecast | HttpTimeoutException in gateway / GET /orders/{order}/forecast | span stock / GET /articles/{article}",
        ],
    ),
    (
        "exception-in-callee",
        &[
            "failed | gateway: GET /orders/{order}/margin | IllegalStateException in stock / GET /articles/{article}/margin | span gateway / GET /orders/{order}/margin",
        ],
    ),
    (
        "exception-on-other-thread",
        &[
            "failed | gateway: GET /orders/{order}/later | IllegalStateException in stock / GET /articles/{article}/margin | span stock / GET /articles/{article}/margin",
        ],
    ),
    (
        "missing-root",
        &[
            "trace_broken | stock: GET /articles/{article} | - | span stock / GET /articles/{article}",
            "failed | stock: GET /articles/{article}/margin | IllegalStateException in stock / GET /articles/{article}/margin | span stock / GET /articles/{article}/margin | trace.root_missing",
        ],
    ),
    (
        "n-plus-one",
        &[
            "healthy | gateway: GET /catalog/http | - | span stock / GET /articles/{article} | chatty.n_plus_one",
            "healthy | gateway: GET /catalog/sql | - | span stock / GET /catalog | chatty.n_plus_one",
        ],
    ),
    (
        "new-names-exception-in-callee",
        &[
            "failed | gateway: GET /orders/{order}/margin | IllegalStateException in stock / Stock.margin | network gateway / GET",
        ],
    ),
    (
        "new-names-sql-error",
        &[
            "failed | gateway: GET /orders/{order}/reservation | BadSqlGrammarException in stock / Stock.reservation | network gateway / GET",
        ],
    ),
    ("new-names-success", &["healthy | gateway: GET /orders/{order} | - | network gateway / GET"]),
    (
        "not-found",
        &[
            "healthy | gateway: GET /orders/{order}/missing | HTTP 404 in gateway / GET | span gateway / GET /orders/{order}/missing | error.suppressed",
            "healthy | gateway: GET /orders/{order} | - | span gateway / GET /orders/{order}",
            "healthy | gateway: GET /** | - | span gateway / GET /**",
        ],
    ),
    (
        "slow-callee",
        &[
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
            "slow | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}",
        ],
    ),
    (
        "sql-error",
        &[
            "failed | gateway: GET /orders/{order}/reservation | BadSqlGrammarException in stock / GET /articles/{article}/reservation | span stock / GET /articles/{article}/reservation",
        ],
    ),
    ("success", &["healthy | gateway: GET /orders/{order} | - | span stock / GET /articles/{article}"]),
    ("survived", &["healthy | gateway: GET /orders/{order}/rating | - | network gateway / GET | error.suppressed"]),
];

const GO: &[Expected] = &[
    (
        "callee-refused",
        &[
            "unreachable | front: GET /orders/{order}/invoice | ConnectionError in front / shop.Invoices/Get | span front / shop.Invoices/Get",
            "unreachable | front: GET /orders/{order}/invoice/http | OpError in front / HTTP GET | span front / HTTP GET",
        ],
    ),
    (
        "callee-timeout",
        &[
            "unreachable | front: GET /orders/{order}/forecast | TimeoutError in front / shop.Quotes/Wait | span quotes / shop.Quotes/Wait",
            "unreachable | front: GET /orders/{order}/label/slow | deadlineExceededError in front / HTTP GET | span quotes / GET /slow",
        ],
    ),
    (
        "error-in-callee",
        &[
            "failed | front: GET /orders/{order}/broken | gRPC UNKNOWN in quotes / shop.Quotes/Broken | network front / shop.Quotes/Broken",
            "failed | front: GET /orders/{order}/panic | gRPC INTERNAL in quotes / shop.Quotes/Panic | network front / shop.Quotes/Panic",
            "failed | front: GET /orders/{order}/credit | gRPC UNKNOWN in quotes / shop.Quotes/Broken | network front / shop.Quotes/Broken",
            "failed | front: GET /orders/{order}/label/broken | HTTP 500 in quotes / GET /broken | network front / HTTP GET",
        ],
    ),
    (
        "grpc-codes",
        &[
            "healthy | front: GET /orders/{order}/missing | gRPC NOT_FOUND in front / shop.Quotes/Missing | network front / shop.Quotes/Missing | error.suppressed",
            "healthy | front: GET /orders/{order}/invalid | gRPC INVALID_ARGUMENT in front / shop.Quotes/Invalid | network front / shop.Quotes/Invalid | error.suppressed",
            "failed | front: GET /orders/{order}/overloaded | gRPC UNAVAILABLE in quotes / shop.Quotes/Overloaded | network front / shop.Quotes/Overloaded",
            "failed | front: GET /orders/{order}/watch | gRPC RESOURCE_EXHAUSTED in front / shop.Quotes/Watch | span quotes / shop.Quotes/Watch",
        ],
    ),
    (
        "missing-root",
        &[
            "trace_broken | quotes: shop.Quotes/Get | - | span quotes / sql.conn.query",
            "failed | quotes: shop.Quotes/Broken | gRPC UNKNOWN in quotes / shop.Quotes/Broken | span quotes / shop.Quotes/Broken | trace.root_missing",
        ],
    ),
    (
        "n-plus-one",
        &[
            "healthy | front: GET /catalog/grpc | - | network front / shop.Quotes/Get | chatty.n_plus_one",
            "healthy | front: GET /catalog/sql | - | span quotes / sql.conn.query | chatty.n_plus_one",
        ],
    ),
    (
        "slow-callee",
        &[
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "healthy | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
            "slow | front: GET /orders/{order}/wait | - | span quotes / shop.Quotes/Wait",
        ],
    ),
    (
        "sql-error",
        &[
            "failed | front: GET /orders/{order}/reservation | DatabaseError in quotes / sql.conn.exec | span quotes / sql.conn.exec",
        ],
    ),
    (
        "success",
        &[
            "healthy | front: GET /orders/{order} | - | span quotes / sql.conn.query",
            "healthy | front: GET /orders/{order}/label | - | network front / HTTP GET",
        ],
    ),
    (
        "survived",
        &["healthy | front: GET /orders/{order}/rating | - | span quotes / sql.conn.query | error.suppressed"],
    ),
];

#[test]
fn fastapi_with_httpx() {
    compare("python-fastapi-httpx", generic(), LATER, PYTHON);
}

#[test]
fn express_with_fetch_and_axios() {
    compare("node-express", generic(), LATER, NODE);
}

#[test]
fn spring_with_the_java_agent() {
    compare("java-spring", generic(), LATER, JAVA);
}

#[test]
fn net_http_with_grpc() {
    compare("go-http-grpc", generic(), LATER, GO);
}
