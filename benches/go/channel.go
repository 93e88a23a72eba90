package main

import (
	"fmt"
	"runtime"
	"sync"
)

// value is what goes through a channel, of 8 or 256 bytes.
type value interface{ [1]uint64 | [32]uint64 }

type shape struct {
	capacity, senders, receivers int
}

const values = 400_000

func addChannel() {
	shapes := []struct {
		name               string
		senders, receivers int
	}{{"spsc", 1, 1}, {"mpsc2", 2, 1}, {"mpsc4", 4, 1}, {"mpmc4x4", 4, 4}}
	for _, each := range shapes {
		for _, capacity := range []int{0, 1, 128} {
			s := shape{capacity, each.senders, each.receivers}
			name := fmt.Sprintf("channel/%s/%d/", each.name, capacity)
			cells[name+"8"] = func(scale scale) sample { return through[[1]uint64](scale, s) }
			cells[name+"256"] = func(scale scale) sample { return through[[32]uint64](scale, s) }
		}
	}
	for _, capacity := range []int{0, 1, 128} {
		cells[fmt.Sprintf("channel/spsc/%d/8/1 thread", capacity)] = func(scale scale) sample {
			runtime.GOMAXPROCS(1)
			return through[[1]uint64](scale, shape{capacity, 1, 1})
		}
	}
	for _, capacity := range []int{0, 10, 100} {
		s := shape{capacity, workers, workers}
		name := fmt.Sprintf("channel/ChanProdCons/%d", capacity)
		cells[name] = func(scale scale) sample { return through[[1]uint64](scale, s) }
	}
	cells["channel/ChanSync"] = chanSync
	cells["channel/ChanContended"] = chanContended
	cells["channel/try_recv/empty"] = tryRecv
	cells["channel/try_send/full"] = trySend
	for _, capacity := range []int{0, 1, 128} {
		cells[fmt.Sprintf("channel/create/%d", capacity)] = func(s scale) sample { return create(s, capacity) }
	}
	cells["channel/oneshot"] = oneshot
}

// through sends numbers through one channel, from and to goroutines, and adds up what arrives.
func through[V value](scale scale, s shape) sample {
	each := scale.of(values) / s.senders
	flow[V](s, each/10) // warm
	watch := start()
	sum := flow[V](s, each)
	return watch.stop(each*s.senders, sum)
}

func flow[V value](s shape, each int) uint64 {
	channel := make(chan V, s.capacity)
	sums := make([]uint64, s.receivers)
	var sending, receiving sync.WaitGroup
	receiving.Add(s.receivers)
	for r := range s.receivers {
		go func() {
			sum := uint64(0)
			for v := range channel {
				sum += v[len(v)-1]
			}
			sums[r] = sum
			receiving.Done()
		}()
	}
	sending.Add(s.senders)
	for range s.senders {
		go func() {
			for n := range each {
				var v V
				for i := range len(v) {
					v[i] = uint64(n)
				}
				channel <- v
			}
			sending.Done()
		}()
	}
	sending.Wait()
	close(channel)
	receiving.Wait()
	return total(sums)
}

// batch is how many transfers of chanSync there are until the goroutines change roles.
const batch = 1_000

func chanSync(s scale) sample {
	batches := s.of(400)
	work := func(batches int) uint64 {
		channel := make(chan uint64)
		return inPairs(2, func(task int) uint64 { return alternate(channel, task, batches) })
	}
	work(batches / 10) // warm
	watch := start()
	sum := work(batches)
	return watch.stop(batches*batch*2, sum)
}

func alternate(channel chan uint64, task, batches int) uint64 {
	sum := uint64(0)
	for b := range batches {
		receivesFirst := (b+task)%2 == 0
		for n := range batch {
			if !receivesFirst {
				channel <- uint64(n)
			}
			sum += <-channel
			if receivesFirst {
				channel <- uint64(n)
			}
		}
	}
	return sum
}

// burst is what a goroutine of chanContended sends before it receives as much.
const burst = 100

func chanContended(s scale) sample {
	bursts := s.of(5_000)
	work := func(bursts int) uint64 {
		channel := make(chan uint64, burst*workers)
		return inPairs(workers, func(int) uint64 {
			sum := uint64(0)
			for range bursts {
				for n := range burst {
					channel <- uint64(n)
				}
				for range burst {
					sum += <-channel
				}
			}
			return sum
		})
	}
	work(bursts / 10) // warm
	watch := start()
	sum := work(bursts)
	return watch.stop(bursts*workers, sum)
}

func tryRecv(s scale) sample {
	channel := make(chan uint64, 128)
	return timed(s.of(5_000_000), func(int) uint64 {
		select {
		case <-channel:
			return 0
		default:
			return 1
		}
	})
}

func trySend(s scale) sample {
	channel := make(chan uint64, 128)
	for range cap(channel) {
		channel <- 0
	}
	return timed(s.of(5_000_000), func(n int) uint64 {
		select {
		case channel <- uint64(n):
			return 0
		default:
			return 1
		}
	})
}

// made keeps the compiler from making channels on the stack.
var made chan uint64

func create(s scale, capacity int) sample {
	return timed(s.of(400_000), func(n int) uint64 {
		made = make(chan uint64, capacity)
		return uint64(n)
	})
}

func oneshot(s scale) sample {
	return timed(s.of(1_000_000), func(n int) uint64 {
		made = make(chan uint64, 1)
		made <- uint64(n)
		return <-made
	})
}

// timed does an operation so many times, and adds up what it gives.
func timed(count int, operation func(int) uint64) sample {
	sumOf := func(count int) uint64 {
		sum := uint64(0)
		for n := range count {
			sum += operation(n)
		}
		return sum
	}
	sumOf(count / 10) // warm
	watch := start()
	sum := sumOf(count)
	return watch.stop(count, sum)
}

// inPairs runs so many goroutines, and adds up what they return.
func inPairs(tasks int, work func(task int) uint64) uint64 {
	sums := make([]uint64, tasks)
	var done sync.WaitGroup
	done.Add(tasks)
	for task := range tasks {
		go func() {
			sums[task] = work(task)
			done.Done()
		}()
	}
	done.Wait()
	return total(sums)
}

func total(sums []uint64) uint64 {
	sum := uint64(0)
	for _, each := range sums {
		sum += each
	}
	return sum
}
