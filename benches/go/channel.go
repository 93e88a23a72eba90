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

// values per sample; fewer at capacity 1, as on the other side.
func values(capacity int) int {
	if capacity == 1 {
		return 200_000
	}
	return 400_000
}

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
	cells["channel/ChanUncontended"] = chanUncontended
	cells["channel/ChanSem"] = chanSem
	cells["channel/ChanClosed"] = chanClosed
	cells["channel/SelectNonblock"] = selectNonblock
	cells["channel/try_recv/empty"] = tryRecv
	cells["channel/try_send/full"] = trySend
	for _, capacity := range []int{0, 1, 128} {
		cells[fmt.Sprintf("channel/create/%d", capacity)] = func(s scale) sample { return create(s, capacity) }
	}
	cells["channel/oneshot"] = oneshot
}

// through sends numbers through one channel, from and to goroutines, and adds up what arrives.
func through[V value](scale scale, s shape) sample {
	each := scale.of(values(s.capacity)) / s.senders
	return both(each, each*s.senders, func(each int) uint64 { return flow[V](s, each) })
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
	return both(batches, batches*batch*2, func(batches int) uint64 {
		channel := make(chan uint64)
		return inPairs(2, func(task int) uint64 { return alternate(channel, task, batches) })
	})
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
	return both(bursts, bursts*workers, func(bursts int) uint64 {
		channel := make(chan uint64, burst*workers)
		return inPairs(workers, func(int) uint64 { return sendAndReceive(channel, bursts) })
	})
}

// chanUncontended: the same, each goroutine on a channel of its own.
func chanUncontended(s scale) sample {
	bursts := s.of(5_000)
	return both(bursts, bursts*workers, func(bursts int) uint64 {
		return inPairs(workers, func(int) uint64 { return sendAndReceive(make(chan uint64, burst), bursts) })
	})
}

func sendAndReceive(channel chan uint64, bursts int) uint64 {
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
}

// chanSem: the goroutines send an empty value each and receive one, on one channel.
func chanSem(s scale) sample {
	count := s.of(500_000)
	return both(count, count*workers, func(count int) uint64 {
		channel := make(chan struct{}, workers)
		return inPairs(workers, func(int) uint64 {
			for range count {
				channel <- struct{}{}
				<-channel
			}
			return uint64(count)
		})
	})
}

// chanClosed: a select of a closed channel, with default; what it gives is that the channel is closed.
func chanClosed(s scale) sample {
	count := s.of(2_500_000)
	return both(count, count*workers, func(count int) uint64 {
		channel := make(chan uint64, 1)
		close(channel)
		return inPairs(workers, func(int) uint64 {
			misses := uint64(0)
			for range count {
				select {
				case _, open := <-channel:
					if !open {
						misses++
					}
				default:
				}
			}
			return misses
		})
	})
}

// selectNonblock: four selects that do not wait, on channels of capacity 0 and 1; only the receives count.
func selectNonblock(s scale) sample {
	count := s.of(500_000)
	return both(count, count*workers, func(count int) uint64 {
		return inPairs(workers, func(int) uint64 {
			a, b, c, d := make(chan uint64), make(chan uint64), make(chan uint64, 1), make(chan uint64, 1)
			misses := uint64(0)
			for n := range count {
				misses += missed(a)
				offer(b, uint64(n))
				misses += missed(c)
				offer(d, uint64(n))
			}
			return misses
		})
	})
}

func missed(channel chan uint64) uint64 {
	select {
	case <-channel:
		return 0
	default:
		return 1
	}
}

func offer(channel chan uint64, value uint64) {
	select {
	case channel <- value:
	default:
	}
}

func tryRecv(s scale) sample {
	channel := make(chan uint64, 128)
	return timed(s.of(5_000_000), func(int) uint64 { return missed(channel) })
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
	return both(count, count, sumOf)
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
