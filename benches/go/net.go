package main

import (
	"fmt"
	"io"
	"net"
)

// As many bytes as a message has.
const messageLen = 64

func addNet() {
	for _, connections := range []int{1, 64, 1_000} {
		cells[fmt.Sprintf("net/echo/%d", connections)] = func(s scale) sample { return roundTrips(s, connections) }
	}
	for _, connections := range []int{64, 1_000} {
		cells[fmt.Sprintf("net/echo-p99/%d", connections)] = func(s scale) sample { return p99(s, connections) }
	}
	cells["memory/idle-connection"] = idleConnection
}

// echo sends back what comes, until the end.
func echo(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, messageLen)
	for {
		n, err := conn.Read(buf)
		if err == io.EOF {
			return
		}
		check(err)
		_, err = conn.Write(buf[:n])
		check(err)
	}
}

// served gives the address of a server that serves whoever connects with echo.
func served() string {
	listener := listen()
	go func() {
		for {
			conn, err := listener.Accept()
			check(err)
			go echo(conn)
		}
	}()
	return listener.Addr().String()
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	return listener
}

// roundTrips: the clients are goroutines, as the server's.
func roundTrips(s scale, connections int) sample {
	each := s.of(40_000) / connections
	address := served()
	clients := make([]net.Conn, connections)
	for n := range clients {
		conn, err := net.Dial("tcp", address)
		check(err)
		clients[n] = conn
	}
	ask(clients, max(each/10, 1)) // warm
	watch := start()
	sum := ask(clients, each)
	return watch.stop(connections*each, sum)
}

// ask makes so many round trips of each client, one after the other: a sum over what they heard.
func ask(clients []net.Conn, each int) uint64 {
	latch := newLatch(len(clients))
	for _, client := range clients {
		go func() {
			message, buf, sum := make([]byte, messageLen), make([]byte, messageLen), uint64(0)
			for n := range message {
				message[n] = 7
			}
			for range each {
				_, err := client.Write(message)
				check(err)
				_, err = io.ReadFull(client, buf)
				check(err)
				for _, value := range buf {
					sum += uint64(value)
				}
			}
			latch.done(sum)
		}()
	}
	return latch.wait()
}

// p99: how long the slowest of a hundred round trips takes.
func p99(s scale, connections int) sample {
	return measured("echo", served(), connections, s.of(30_000), func(l load) float64 { return float64(l.p99) / 1e3 })
}

// idleConnection: connections have sent back a message, and wait for the next one; their clients are another process.
func idleConnection(s scale) sample {
	count := s.of(5_000)
	address := served()
	startLoad("echo", address, 1, 0, func() {}) // what all have in common is there
	watch, before, bytes := start(), resident(), uint64(0)
	l := startLoad("echo", address, count, 0, func() { bytes = resident() })
	added := max(int64(bytes)-int64(before), 4_096)
	return watch.stopWith(count, l.checksum, float64(added)/float64(count))
}
