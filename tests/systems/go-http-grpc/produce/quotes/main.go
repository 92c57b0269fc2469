// The quotes service: answers over gRPC and, on a second port, over HTTP; it asks PostgreSQL.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/XSAM/otelsql"
	_ "github.com/lib/pq"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"shop/tracing"
)

type quotes struct{ database *sql.DB }

type method func(q quotes, ctx context.Context, article string) (string, error)

func (q quotes) price(ctx context.Context, article string) (string, error) {
	var price int
	err := q.database.QueryRowContext(ctx, "SELECT price FROM articles WHERE id = $1", article).Scan(&price)
	return strconv.Itoa(price), err
}

var methods = map[string]method{
	"Get": quotes.price,
	"Wait": func(q quotes, ctx context.Context, seconds string) (string, error) {
		amount, _ := strconv.ParseFloat(seconds, 64)
		time.Sleep(time.Duration(amount * float64(time.Second)))
		return q.price(ctx, "1")
	},
	"Missing": func(_ quotes, _ context.Context, article string) (string, error) {
		return "", status.Errorf(codes.NotFound, "no article %s", article)
	},
	"Invalid": func(_ quotes, _ context.Context, article string) (string, error) {
		return "", status.Errorf(codes.InvalidArgument, "article %s is not a number", article)
	},
	"Overloaded": func(_ quotes, _ context.Context, _ string) (string, error) {
		return "", status.Error(codes.Unavailable, "the price feed is closed for maintenance")
	},
	// A plain Go error becomes code Unknown.
	"Broken": func(_ quotes, _ context.Context, article string) (string, error) {
		return "", fmt.Errorf("quote of article %s: margin is negative", article)
	},
	"Panic": func(_ quotes, _ context.Context, _ string) (_ string, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = status.Errorf(codes.Internal, "panic: %v", cause)
			}
		}()
		var prices map[string]int
		prices["1"] = 1
		return "", nil
	},
	"Reservation": func(q quotes, ctx context.Context, article string) (string, error) {
		_, err := q.database.ExecContext(ctx, "DELETE FROM reservations WHERE article = $1", article)
		if err != nil {
			return "", status.Errorf(codes.Internal, "release reservation: %v", err)
		}
		return "", nil
	},
	// N+1: one statement for each article.
	"Catalog": func(q quotes, ctx context.Context, _ string) (string, error) {
		for article := range 15 {
			if _, err := q.price(ctx, strconv.Itoa(article)); err != nil {
				return "", err
			}
		}
		return "", nil
	},
}

func service(q quotes) *grpc.ServiceDesc {
	description := &grpc.ServiceDesc{ServiceName: "shop.Quotes", HandlerType: (*any)(nil)}
	for name, run := range methods {
		handler := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			article := &wrapperspb.StringValue{}
			if err := decode(article); err != nil {
				return nil, err
			}
			answer, err := run(q, ctx, article.GetValue())
			return wrapperspb.String(answer), err
		}
		description.Methods = append(description.Methods, grpc.MethodDesc{MethodName: name, Handler: handler})
	}
	// A stream that breaks after three messages.
	description.Streams = []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
		for number := range 3 {
			if err := stream.SendMsg(wrapperspb.String(strconv.Itoa(number))); err != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
		return status.Error(codes.ResourceExhausted, "too many watchers")
	}}}
	return description
}

func main() {
	tracing.Start()
	database, err := otelsql.Open("postgres", "postgres://shop@127.0.0.1:18045/shop?sslmode=disable",
		otelsql.WithAttributes(semconv.DBSystemNamePostgreSQL))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /label", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "label") })
	mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, _ *http.Request) { time.Sleep(2 * time.Second) })
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "printer on fire", http.StatusInternalServerError) })
	go func() {
		log.Fatal(http.ListenAndServe("127.0.0.1:18042", otelhttp.NewHandler(mux, "quotes")))
	}()

	listener, err := net.Listen("tcp", "127.0.0.1:18041")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))
	server.RegisterService(service(quotes{database}), nil)
	log.Fatal(server.Serve(listener))
}
