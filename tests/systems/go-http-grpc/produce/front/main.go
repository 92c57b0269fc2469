// The front: takes HTTP requests and asks the quotes service over gRPC.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"shop/tracing"
)

var (
	tracer  = otel.Tracer("shop/front")
	browser = http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
)

func dial(address string) *grpc.ClientConn {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	if err != nil {
		log.Fatal(err)
	}
	return connection
}

type front struct {
	quotes  *grpc.ClientConn
	nowhere *grpc.ClientConn
}

func (f front) ask(ctx context.Context, method, article string) (string, error) {
	answer := &wrapperspb.StringValue{}
	err := f.quotes.Invoke(ctx, "/shop.Quotes/"+method, wrapperspb.String(article), answer)
	return answer.GetValue(), err
}

// answer writes the result, or the HTTP status that fits the gRPC code.
func answer(w http.ResponseWriter, text string, err error) {
	if err == nil {
		fmt.Fprintln(w, text)
		return
	}
	code := http.StatusInternalServerError
	switch status.Code(err).String() {
	case "NotFound":
		code = http.StatusNotFound
	case "InvalidArgument":
		code = http.StatusBadRequest
	case "Unavailable":
		code = http.StatusServiceUnavailable
	case "DeadlineExceeded":
		code = http.StatusGatewayTimeout
	}
	http.Error(w, err.Error(), code)
}

// unary forwards to one method of the quotes service.
func (f front) unary(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := f.ask(r.Context(), method, r.PathValue("order"))
		answer(w, text, err)
	}
}

// deadline waits for a second; the quotes service needs two.
func (f front) deadline(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	text, err := f.ask(ctx, "Wait", "2")
	answer(w, text, err)
}

func (f front) wait(w http.ResponseWriter, r *http.Request) {
	text, err := f.ask(r.Context(), "Wait", r.URL.Query().Get("seconds"))
	answer(w, text, err)
}

// refused asks a gRPC service that nobody runs.
func (f front) refused(w http.ResponseWriter, r *http.Request) {
	err := f.nowhere.Invoke(r.Context(), "/shop.Invoices/Get", wrapperspb.String(r.PathValue("order")), &wrapperspb.StringValue{})
	answer(w, "", err)
}

// fetch asks a service over HTTP.
func fetch(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := browser.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("%s answered %d", url, response.StatusCode)
	}
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func overHTTP(url string, timeout time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		text, err := fetch(ctx, url)
		answer(w, text, err)
	}
}

// checked has a span of its own that records its error, as Go programs do by hand.
func (f front) checked(w http.ResponseWriter, r *http.Request) {
	ctx, span := tracer.Start(r.Context(), "check credit", trace.WithSpanKind(trace.SpanKindInternal))
	defer span.End()
	text, err := f.ask(ctx, "Broken", r.PathValue("order"))
	if err != nil {
		err = fmt.Errorf("check credit of order %s: %w", r.PathValue("order"), err)
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	answer(w, text, errors.Unwrap(err))
}

// rating is optional: without it the order is answered all the same.
func (f front) rating(w http.ResponseWriter, r *http.Request) {
	_ = f.nowhere.Invoke(r.Context(), "/shop.Ratings/Get", wrapperspb.String("1"), &wrapperspb.StringValue{})
	text, err := f.ask(r.Context(), "Get", r.PathValue("order"))
	answer(w, text, err)
}

// catalog is an N+1: one call for each article, one after the other.
func (f front) catalog(w http.ResponseWriter, r *http.Request) {
	for article := range 15 {
		if _, err := f.ask(r.Context(), "Get", strconv.Itoa(article)); err != nil {
			answer(w, "", err)
			return
		}
	}
}

// stream reads a streaming answer to its end.
func (f front) stream(w http.ResponseWriter, r *http.Request) {
	stream, err := f.quotes.NewStream(r.Context(), &grpc.StreamDesc{ServerStreams: true}, "/shop.Quotes/Watch")
	if err == nil {
		err = stream.SendMsg(wrapperspb.String(r.PathValue("order")))
	}
	if err == nil {
		err = stream.CloseSend()
	}
	for err == nil {
		err = stream.RecvMsg(&wrapperspb.StringValue{})
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	answer(w, "", err)
}

func main() {
	tracing.Start()
	f := front{quotes: dial("127.0.0.1:18041"), nowhere: dial("127.0.0.1:18049")}
	routes := map[string]http.HandlerFunc{
		"GET /orders/{order}":              f.unary("Get"),
		"GET /orders/{order}/missing":      f.unary("Missing"),
		"GET /orders/{order}/broken":       f.unary("Broken"),
		"GET /orders/{order}/panic":        f.unary("Panic"),
		"GET /orders/{order}/invalid":      f.unary("Invalid"),
		"GET /orders/{order}/overloaded":   f.unary("Overloaded"),
		"GET /orders/{order}/reservation":  f.unary("Reservation"),
		"GET /orders/{order}/wait":         f.wait,
		"GET /orders/{order}/forecast":     f.deadline,
		"GET /orders/{order}/invoice":      f.refused,
		"GET /orders/{order}/invoice/http": overHTTP("http://127.0.0.1:18049/invoices", 2*time.Second),
		"GET /orders/{order}/label":        overHTTP("http://127.0.0.1:18042/label", 2*time.Second),
		"GET /orders/{order}/label/slow":   overHTTP("http://127.0.0.1:18042/slow", time.Second),
		"GET /orders/{order}/label/broken": overHTTP("http://127.0.0.1:18042/broken", 2*time.Second),
		"GET /orders/{order}/credit":       f.checked,
		"GET /orders/{order}/rating":       f.rating,
		"GET /orders/{order}/watch":        f.stream,
		"GET /catalog/grpc":                f.catalog,
		"GET /catalog/sql":                 f.unary("Catalog"),
	}
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, handler)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), otelhttp.NewHandler(mux, "front")))
}
