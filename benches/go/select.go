package main

import (
	"sync"
	"time"
)

func addSelect() {
	cells["select/ready/2"] = selectReady
	cells["select/recv/2"] = func(s scale) sample { return selectRecv(s, 2, recv2) }
	cells["select/recv/8"] = func(s scale) sample { return selectRecv(s, 8, recv8) }
	cells["select/recv/64"] = func(s scale) sample { return selectRecv(s, 64, recv64) }
	cells["select/send/2"] = selectSend
	cells["select/default"] = selectDefault
	cells["select/timeout"] = selectTimeout
	cells["select/SelectProdCons"] = selectProdCons
	cells["select/SelectSyncContended"] = selectSyncContended
	cells["select/SelectUncontended"] = selectUncontended
	cells["select/ChanPopular"] = chanPopular
}

// channels are as many channels of one capacity.
func channels(count, capacity int) []chan uint64 {
	made := make([]chan uint64, count)
	for n := range made {
		made[n] = make(chan uint64, capacity)
	}
	return made
}

func selectReady(s scale) sample {
	count := s.of(1_000_000)
	return both(count, count, alwaysReady)
}

// alwaysReady: the lowest bit of a value names its channel, so that the same one is filled again.
func alwaysReady(count int) uint64 {
	c := channels(2, 4)
	c[0] <- 0
	c[1] <- 1
	sum := uint64(0)
	for n := range count {
		value := recv2(c)
		sum += value >> 1
		select {
		case c[value&1] <- uint64(n)<<1 | value&1:
		default:
			panic("room")
		}
	}
	return sum + (<-c[0])>>1 + (<-c[1])>>1
}

// selectRecv: a producer for each channel, and a select of all.
func selectRecv(s scale, count int, recv func([]chan uint64) uint64) sample {
	all := 400_000
	if count > 8 {
		all = 128_000
	}
	each := s.of(all) / count
	return both(each, each*count, func(each int) uint64 {
		c := channels(count, 128)
		for _, channel := range c {
			go func() {
				for n := range each {
					channel <- uint64(n)
				}
			}()
		}
		sum := uint64(0)
		for range each * count {
			sum += recv(c)
		}
		return sum
	})
}

func selectSend(s scale) sample {
	count := s.of(100_000)
	return both(count, count, func(count int) uint64 {
		c := channels(2, 1)
		latch := newLatch(2)
		for _, channel := range c {
			go func() {
				sum := uint64(0)
				for value := range channel {
					sum += value
				}
				latch.done(sum)
			}()
		}
		for n := range count {
			select {
			case c[0] <- uint64(n):
			case c[1] <- uint64(n):
			}
		}
		close(c[0])
		close(c[1])
		return latch.wait()
	})
}

func selectDefault(s scale) sample {
	c := channels(2, 128)
	return timed(s.of(2_000_000), func(int) uint64 {
		select {
		case <-c[0]:
			return 0
		case <-c[1]:
			return 0
		default:
			return 1
		}
	})
}

// selectTimeout: each select has a new timeout of an hour.
func selectTimeout(s scale) sample {
	count := s.of(400_000)
	return both(count, count, func(count int) uint64 {
		channel := make(chan uint64, 128)
		go func() {
			for n := range count {
				channel <- uint64(n)
			}
			close(channel)
		}()
		sum := uint64(0)
		for {
			select {
			case value, open := <-channel:
				if !open {
					return sum
				}
				sum += value
			case <-time.After(time.Hour):
				panic("late")
			}
		}
	})
}

// selectProdCons: both sides select beside a timer of an hour and a channel that would tell them to stop.
func selectProdCons(s scale) sample {
	each := s.of(100_000) / workers
	return both(each, each*workers, func(each int) uint64 {
		channel, stop := make(chan uint64, 128), make(chan struct{})
		var producers sync.WaitGroup
		producers.Add(workers)
		for range workers {
			go func() {
				produce(channel, stop, each)
				producers.Done()
			}()
		}
		go func() {
			producers.Wait()
			close(channel)
		}()
		return inPairs(workers, func(int) uint64 { return consume(channel, stop) })
	})
}

func produce(channel chan<- uint64, stop <-chan struct{}, each int) {
	timer, foo := time.NewTimer(time.Hour), uint64(1)
	defer timer.Stop()
	for n := range each {
		localWork(&foo)
		select {
		case channel <- uint64(n):
		case <-timer.C:
			panic("late")
		case <-stop:
			panic("nobody stops it")
		}
	}
}

func consume(channel <-chan uint64, stop <-chan struct{}) uint64 {
	timer, foo, sum := time.NewTimer(time.Hour), uint64(1), uint64(0)
	defer timer.Stop()
	for {
		select {
		case value, open := <-channel:
			if !open {
				return sum
			}
			sum += value
			localWork(&foo)
		case <-timer.C:
			panic("late")
		case <-stop:
			return sum
		}
	}
}

// localWork is 100 dependent steps, each through memory, as black_box does it on the other side.
//
//go:noinline
func localWork(foo *uint64) {
	for range 100 {
		*foo = *foo * 2 / 2
	}
}

// selectSyncContended: the ones select among three sends and a channel that tells them to stop, the others among three
// receives; the sum is that of the sends.
func selectSyncContended(s scale) sample {
	each := s.of(100_000) / workers
	return both(each, each*workers, func(each int) uint64 {
		c, stop := channels(3, 0), make(chan struct{})
		senders := newLatch(workers)
		for range workers {
			go func() { senders.done(sendUntilStopped(c, stop)) }()
		}
		inPairs(workers, func(int) uint64 {
			for range each {
				select {
				case <-c[0]:
				case <-c[1]:
				case <-c[2]:
				}
			}
			return 0
		})
		close(stop)
		return senders.wait()
	})
}

func sendUntilStopped(c []chan uint64, stop <-chan struct{}) uint64 {
	for sent := uint64(0); ; sent++ {
		select {
		case c[0] <- sent:
		case c[1] <- sent:
		case c[2] <- sent:
		case <-stop:
			return sent
		}
	}
}

// selectUncontended: a receive from one of two channels, and a send to the other one, each goroutine on its own. The lowest
// bit of a value names its channel.
func selectUncontended(s scale) sample {
	count := s.of(500_000)
	return both(count, count*workers, func(count int) uint64 {
		return inPairs(workers, func(int) uint64 {
			c := channels(2, 1)
			c[0] <- 0
			sum := uint64(0)
			for n := uint64(1); n <= uint64(count); n++ {
				value := recv2(c)
				sum += value >> 1
				other := 1 - value&1
				c[other] <- n<<1 | other
			}
			return sum
		})
	})
}

// chanPopular: 1,000 goroutines each wait on a channel of their own and on one that all share.
func chanPopular(s scale) sample {
	rounds := s.of(50)
	return both(rounds, rounds, func(rounds int) uint64 {
		shared := make(chan uint64)
		own := channels(1_000, 0)
		latch := newLatch(len(own))
		for _, channel := range own {
			go func() {
				sum := uint64(0)
				c := []chan uint64{shared, channel}
				for range rounds {
					sum += recv2(c)
				}
				latch.done(sum)
			}()
		}
		for n := range rounds {
			for _, channel := range own {
				channel <- uint64(n)
			}
		}
		return latch.wait()
	})
}

func recv2(c []chan uint64) uint64 {
	select {
	case v := <-c[0]:
		return v
	case v := <-c[1]:
		return v
	}
}

func recv8(c []chan uint64) uint64 {
	select {
	case v := <-c[0]:
		return v
	case v := <-c[1]:
		return v
	case v := <-c[2]:
		return v
	case v := <-c[3]:
		return v
	case v := <-c[4]:
		return v
	case v := <-c[5]:
		return v
	case v := <-c[6]:
		return v
	case v := <-c[7]:
		return v
	}
}
