package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

func addSync() {
	// 50 rounds of work are about 0.1 us.
	cells["sync/mutex/uncontended"] = func(s scale) sample { return locking(s.of(2_000_000), 1, 0) }
	cells["sync/mutex/short"] = func(s scale) sample { return locking(s.of(300_000), lockers, 50) }
	cells["sync/mutex/long"] = func(s scale) sample { return locking(s.of(100_000), lockers, 500) }
	cells["sync/mutex/held-across-yield"] = holding
	cells["sync/rwlock/read"] = func(s scale) sample { return reading(s.of(2_000_000), 1, 0) }
	cells["sync/rwlock/90-10"] = func(s scale) sample { return reading(s.of(300_000), lockers, 50) }
	cells["sync/condvar"] = signalling
	cells["sync/wait-group"] = waitGroup
	cells["sync/context/cancel-tree"] = cancelTree
}

// lockers are the goroutines that want the lock.
const lockers = 8

// locking: goroutines take the lock in turn, and add to its number.
func locking(locks, tasks int, rounds uint64) sample {
	each := locks / tasks
	return both(each, each*tasks, func(each int) uint64 {
		return among(tasks, func(lock *sync.Mutex, sum *uint64) {
			for n := range each {
				lock.Lock()
				*sum += uint64(n)
				if rounds > 0 {
					crunch(uint64(n), rounds)
				}
				lock.Unlock()
			}
		})
	})
}

// holding: goroutines hold the lock while they yield, so that all others find it taken.
func holding(s scale) sample {
	each := s.of(200_000) / lockers
	return both(each, each*lockers, func(each int) uint64 {
		return among(lockers, func(lock *sync.Mutex, sum *uint64) {
			for range each {
				lock.Lock()
				*sum++
				runtime.Gosched()
				lock.Unlock()
			}
		})
	})
}

// among has goroutines do work with one lock, until all are done: the lock's number. None begins before all have started.
func among(tasks int, work func(*sync.Mutex, *uint64)) uint64 {
	var guarded struct {
		lock sync.Mutex
		sum  uint64
	}
	latch := newLatch(tasks)
	var started atomic.Int64
	for range tasks {
		go func() {
			started.Add(1)
			for started.Load() < int64(tasks) {
				runtime.Gosched()
			}
			work(&guarded.lock, &guarded.sum)
			latch.done(0)
		}()
	}
	latch.wait()
	return guarded.sum
}

// reading: of ten locks nine read and one writes, if there is work to do in each.
func reading(locks, tasks int, rounds uint64) sample {
	each := locks / tasks
	return both(each, each*tasks, func(each int) uint64 {
		var lock sync.RWMutex
		var number uint64
		latch := newLatch(tasks)
		for task := range tasks {
			go func() {
				for n := range each {
					if rounds > 0 && (n+task)%10 == 0 {
						lock.Lock()
						number++
						crunch(number, rounds)
						lock.Unlock()
					} else {
						lock.RLock()
						crunch(number, rounds)
						lock.RUnlock()
					}
				}
				latch.done(uint64(each))
			}()
		}
		return latch.wait()
	})
}

// signalling: two goroutines take turns, and each tells the other when it is its turn.
func signalling(s scale) sample {
	each := s.of(200_000) / 2
	return both(each, each*2, func(each int) uint64 {
		var lock sync.Mutex
		changed := sync.NewCond(&lock)
		var turn int
		latch := newLatch(2)
		for me := range 2 {
			go func() {
				for range each {
					lock.Lock()
					for turn%2 != me {
						changed.Wait()
					}
					turn++
					lock.Unlock()
					changed.Signal()
				}
				latch.done(uint64(each))
			}()
		}
		return latch.wait()
	})
}

// waitGroup: a hundred goroutines are started and waited for, and again.
func waitGroup(s scale) sample {
	const round = 100
	count := s.of(3_000)
	return both(count, count*round, func(count int) uint64 {
		var group sync.WaitGroup
		var sum atomic.Uint64
		for range count {
			for n := range round {
				group.Add(1)
				go func() {
					sum.Add(uint64(n))
					group.Done()
				}()
			}
			group.Wait()
		}
		return sum.Load()
	})
}

// cancelTree: trees of contexts are made, cancelled at the root, and dropped.
func cancelTree(s scale) sample {
	const top, below = 10, 17
	const contexts = 1 + top*(1+below*(1+below))
	count := s.of(200)
	return both(count, count*contexts, func(count int) uint64 {
		var cancelled uint64
		for range count {
			root, cancel := context.WithCancel(context.Background())
			tree := []context.Context{root}
			child := func(parent context.Context) context.Context {
				// Its own cancel would only take it off its parent, which the root's does as well.
				child, _ := context.WithCancel(parent)
				tree = append(tree, child)
				return child
			}
			for range top {
				first := child(root)
				for range below {
					second := child(first)
					for range below {
						child(second)
					}
				}
			}
			cancel()
			for _, one := range tree {
				if one.Err() != nil {
					cancelled++
				}
			}
		}
		return cancelled
	})
}
