package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

func addScheduler() {
	cells["scheduler/detached"] = detached
	cells["scheduler/chained"] = chained
	cells["scheduler/yield"] = yields
	cells["scheduler/fan-out-2us"] = fanOut
	cells["scheduler/skew"] = skew
	cells["scheduler/skynet"] = skynet
}

// latch waits for a number of goroutines, and adds up what they say.
type latch struct {
	group sync.WaitGroup
	sum   atomic.Uint64
}

func newLatch(count int) *latch {
	l := new(latch)
	l.group.Add(count)
	return l
}

func (l *latch) done(value uint64) {
	l.sum.Add(value)
	l.group.Done()
}

func (l *latch) wait() uint64 {
	l.group.Wait()
	return l.sum.Load()
}

// detached starts batches of goroutines; the last one of a batch wakes who waits.
func detached(s scale) sample {
	batch := func() uint64 {
		latch := newLatch(1_000)
		for n := range 1_000 {
			go latch.done(uint64(n))
		}
		return latch.wait()
	}
	return batches(s.of(500), 1_000, batch)
}

// chained: each goroutine starts the next one and ends.
func chained(s scale) sample {
	tasks := s.of(500_000)
	return both(tasks, tasks, chain)
}

func chain(tasks int) uint64 {
	latch := newLatch(1)
	var link func(left int)
	link = func(left int) {
		if left == 0 {
			latch.done(1)
		} else {
			go link(left - 1)
		}
	}
	go link(tasks - 1)
	return latch.wait() * uint64(tasks)
}

// yields: many goroutines that do nothing but yield.
func yields(s scale) sample {
	const yielders = 1_000
	round := func(yields int) uint64 {
		latch := newLatch(yielders)
		for range yielders {
			go func() {
				sum := uint64(0)
				for n := range yields {
					runtime.Gosched()
					sum += uint64(n)
				}
				latch.done(sum)
			}()
		}
		return latch.wait()
	}
	turns := s.of(1_000)
	round(10) // warm
	watch := start()
	sum := round(turns)
	return watch.stop(turns*yielders, sum)
}

// crunch keeps a core busy; 1,000 rounds are about 2 us.
//
//go:noinline
func crunch(seed, rounds uint64) uint64 {
	n := seed
	for range rounds {
		n = (n ^ (n >> 29)) * 0x9e37_79b9_7f4a_7c15
	}
	return n
}

// fanOut runs batches of short tasks for the CPU.
func fanOut(s scale) sample {
	const tasks = 1_000
	batch := func() uint64 {
		return inPairs(tasks, func(n int) uint64 { return crunch(uint64(n), 1_000) })
	}
	return batches(s.of(50), tasks, batch)
}

// skew: one goroutine starts all others. Most are tiny; each 64th one takes a hundred times as long.
func skew(s scale) sample {
	run := func(tasks int) uint64 {
		latch := newLatch(tasks)
		for n := range tasks {
			go func() {
				rounds := uint64(200)
				if n%64 == 0 {
					rounds = 20_000
				}
				latch.done(crunch(uint64(n), rounds) >> 32)
			}()
		}
		return latch.wait()
	}
	tasks := s.of(150_000)
	return both(tasks, tasks, run)
}

// leaves of a skynet tree.
func leaves(s scale) int {
	if s.quick {
		return 100_000
	}
	return 1_000_000
}

// skynet is a tree of goroutines, ten below each, that adds up the numbers of its leaves.
func skynet(s scale) sample {
	leaves := leaves(s)
	root := func(leaves int) uint64 {
		return inPairs(1, func(int) uint64 { return node(0, leaves) })
	}
	root(1_000) // warm
	watch := start()
	sum := root(leaves)
	return watch.stop((leaves*10-1)/9, sum)
}

func node(first, leaves int) uint64 {
	if leaves == 1 {
		return uint64(first)
	}
	below := leaves / 10
	return inPairs(10, func(n int) uint64 { return node(first+n*below, below) })
}
