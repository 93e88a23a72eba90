package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
)

func addHTTP() {
	for _, connections := range []int{64} {
		cells[fmt.Sprintf("net/http-hello/%d", connections)] = func(s scale) sample {
			return httpHello(s, connections)
		}
	}
}

// httpHello serves while the client, which is the same for all servers, makes its requests.
func httpHello(s scale, connections int) sample {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	hello := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello, world\n")) }
	go http.Serve(listener, http.HandlerFunc(hello))

	requests := s.of(20_000)
	address := listener.Addr().String()
	client := exec.Command(os.Getenv("DORMOUSE_BENCH"), "load", address, strconv.Itoa(connections), strconv.Itoa(requests))
	input, err := client.StdinPipe()
	check(err)
	output, err := client.StdoutPipe()
	check(err)
	check(client.Start())
	said := bufio.NewReader(output)
	_, err = said.ReadString('\n') // warm
	check(err)
	watch := start()
	_, err = input.Write([]byte("\n"))
	check(err)
	var nanos, checksum uint64
	_, err = fmt.Fscan(said, &nanos, &checksum)
	check(err)
	sample := watch.stop(requests, checksum)
	sample.Value = float64(nanos) / float64(requests)
	check(client.Wait())
	return sample
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}
