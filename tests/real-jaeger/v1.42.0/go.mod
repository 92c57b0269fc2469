module ktrdr-diagnosis.test/jaeger

go 1.19

require github.com/jaegertracing/jaeger v1.42.0
