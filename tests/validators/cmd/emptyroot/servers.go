package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// The loopback interface of a new network is down.
func loopbackUp() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

// A name server for some names, all of which resolve to this machine.
type nameServer struct {
	known map[string]bool
	mutex sync.Mutex
	asked map[string]bool
}

func (s *nameServer) wasAsked(name string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.asked[name]
}

func serveDNS(address string, names ...string) (*nameServer, error) {
	connection, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, fmt.Errorf("DNS: %w", err)
	}
	server := &nameServer{known: map[string]bool{}, asked: map[string]bool{}}
	for _, name := range names {
		server.known[name] = true
	}
	go func() {
		buffer := make([]byte, 4096)
		for {
			size, from, err := connection.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply, err := server.reply(buffer[:size]); err == nil {
				_, _ = connection.WriteTo(reply, from)
			}
		}
	}()
	return server, nil
}

func (s *nameServer) reply(message []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(strings.TrimSuffix(question.Name.String(), "."))
	s.mutex.Lock()
	s.asked[name] = true
	s.mutex.Unlock()
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, Response: true, Authoritative: true,
			RecursionDesired: header.RecursionDesired, RecursionAvailable: true,
		},
		Questions: []dnsmessage.Question{question},
	}
	switch {
	case !s.known[name]:
		reply.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		reply.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 60},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	return reply.Pack()
}

// Forwards requests to target with a certificate for name. Returns its address and the certificate authority (PEM).
func serveTLS(name, target string) (address string, authority []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", nil, err
	}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority of this test"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		return "", nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, key)
	if err != nil {
		return "", nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}},
	})
	if err != nil {
		return "", nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: target})
	// A client must close the connection if it does not know the authority.
	server := &http.Server{Handler: proxy, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	port := listener.Addr().(*net.TCPAddr).Port
	return fmt.Sprintf("https://%s:%d", name, port), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), nil
}

func answers(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// Receives traces. The channel is closed when the first ones have arrived.
func serveOTLP(address string) (<-chan struct{}, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	received := make(chan struct{})
	var once sync.Once
	handler := http.NewServeMux()
	handler.HandleFunc("POST /v1/traces", func(writer http.ResponseWriter, request *http.Request) {
		if body, err := io.ReadAll(request.Body); err == nil && bytes.Contains(body, []byte("resourceSpans")) {
			once.Do(func() { close(received) })
		}
		writer.Header().Set("Content-Type", "application/json")
		_, _ = writer.Write([]byte("{}"))
	})
	go func() { _ = http.Serve(listener, handler) }()
	return received, nil
}

func get(address string) (string, error) {
	answer, err := http.Get(address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}
