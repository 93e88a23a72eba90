package main

import (
	"net/http"
	"os/exec"
)

func addHTTP() {
	cells["net/http-hello/64"] = func(s scale) sample { return httpHello(s, "http") }
	if _, err := exec.LookPath("wrk"); err == nil {
		cells["net/http-wrk/64"] = func(s scale) sample { return httpHello(s, "wrk") }
	}
}

// httpHello serves while the client, our own or wrk, makes its requests.
func httpHello(s scale, talk string) sample {
	listener := listen()
	hello := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello, world\n")) }
	go http.Serve(listener, http.HandlerFunc(hello))
	value := func(l load) float64 { return float64(l.nanos) / float64(l.answered) }
	return measured(talk, listener.Addr().String(), 64, s.of(20_000), value)
}
