package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// load is what the client, which is the same for all servers, says; the fields are those of benches/src/load.rs.
type load struct{ answered, nanos, checksum, p99 uint64 }

// startLoad starts the client of the server at address; warm is called in between.
func startLoad(talk, address string, connections, requests int, warm func()) (l load) {
	client := exec.Command(os.Getenv("DORMOUSE_BENCH"), "load", talk, address, strconv.Itoa(connections), strconv.Itoa(requests))
	client.Stderr = os.Stderr
	input, err := client.StdinPipe()
	check(err)
	output, err := client.StdoutPipe()
	check(err)
	check(client.Start())
	said := bufio.NewReader(output)
	_, err = said.ReadString('\n')
	check(err)
	warm()
	_, err = input.Write([]byte("\n"))
	check(err)
	_, err = fmt.Fscan(said, &l.answered, &l.nanos, &l.checksum, &l.p99)
	check(err)
	check(client.Wait())
	return l
}

// measured is a sample of the server at address, which this process has; value says what it is ranked by.
func measured(talk, address string, connections, requests int, value func(load) float64) sample {
	var watch stopwatch
	l := startLoad(talk, address, connections, requests, func() { watch = start() })
	sample := watch.stopWith(int(l.answered), l.checksum, value(l))
	sample.Operations = uint64(requests) // what was asked for: wrk has as many answers as it gets
	return sample
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}
