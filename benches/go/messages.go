package main

func addMessages() {
	cells["scheduler/ping-pong/1/channel"] = func(s scale) sample { return pingPong(s, 1) }
	cells["scheduler/ping-pong/1000/channel"] = func(s scale) sample { return pingPong(s, 1_000) }
	cells["scheduler/thread-ring/503"] = threadRing
	cells["scheduler/prime-sieve"] = primeSieve
	cells["scheduler/skynet/channel"] = skynetChannel
}

// pingPong: pairs of goroutines that send a number to and fro through two channels of capacity 1.
func pingPong(s scale, pairs int) sample {
	turns := s.of(500_000) / pairs
	play := func(turns int) uint64 {
		latch := newLatch(pairs * 2)
		for range pairs {
			pair(turns, latch)
		}
		return latch.wait()
	}
	return both(turns, turns*pairs, play)
}

func pair(turns int, latch *latch) {
	to, fro := make(chan uint64, 1), make(chan uint64, 1)
	go func() {
		sum := uint64(0)
		for range turns {
			to <- 1
			sum += <-fro
		}
		close(to)
		latch.done(sum)
	}()
	go func() {
		sum := uint64(0)
		for value := range to {
			sum += value
			fro <- value
		}
		latch.done(sum)
	}()
}

// threadRing: a number goes round 503 goroutines, one less at each pass; who has the 0 says who it is.
func threadRing(s scale) sample {
	passes := s.of(1_000_000)
	return both(passes, passes, ring)
}

func ring(passes int) uint64 {
	const tasks = 503
	channels := make([]chan uint64, tasks)
	for n := range channels {
		channels[n] = make(chan uint64, 1)
	}
	channels[0] <- uint64(passes)
	latch := newLatch(tasks)
	for n, own := range channels {
		next := channels[(n+1)%tasks]
		go func() {
			who := uint64(0)
			for token := range own {
				if token == 0 {
					who = uint64(n + 1)
					break // the next one's channel closes, and so on
				}
				next <- token - 1
			}
			close(next)
			latch.done(who)
		}()
	}
	return latch.wait()
}

// primeSieve: a goroutine per prime, which passes on what its prime does not divide.
func primeSieve(s scale) sample {
	last := uint64(17_389)
	if s.quick {
		last = 5_279
	}
	primes(1_000) // warm
	watch := start()
	count, sum := primes(last)
	return watch.stop(count, sum)
}

func primes(last uint64) (count int, sum uint64) {
	numbers := make(chan uint64)
	go func(first chan<- uint64) {
		for n := uint64(2); n <= last; n++ {
			first <- n
		}
		close(first)
	}(numbers)
	for {
		prime, open := <-numbers
		if !open {
			return count, sum
		}
		count, sum = count+1, sum+prime
		passed := make(chan uint64)
		go filter(prime, numbers, passed)
		numbers = passed
	}
}

func filter(prime uint64, from <-chan uint64, to chan<- uint64) {
	for n := range from {
		if n%prime != 0 {
			to <- n
		}
	}
	close(to)
}

// skynetChannel is a tree of goroutines, ten below each, whose numbers go up through channels.
func skynetChannel(s scale) sample {
	leaves := leaves(s)
	below(0, 1_000) // warm
	watch := start()
	sum := below(0, leaves)
	return watch.stop((leaves*10-1)/9, sum)
}

func below(first, leaves int) uint64 {
	up := make(chan uint64, 10)
	for n := range 10 {
		go func() {
			first, leaves := first+n*(leaves/10), leaves/10
			if leaves == 1 {
				up <- uint64(first)
			} else {
				up <- below(first, leaves)
			}
		}()
	}
	sum := uint64(0)
	for range 10 {
		sum += <-up
	}
	return sum
}
