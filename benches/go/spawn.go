package main

import (
	"fmt"
	"sync"
)

func addSpawn() {
	for _, batch := range []int{1_000, 100_000} {
		cells[fmt.Sprintf("scheduler/spawn-join/%d", batch)] = func(s scale) sample {
			return spawnJoin(s, batch)
		}
	}
}

// spawnJoin starts batches of goroutines that give a number each, and adds the numbers up.
func spawnJoin(s scale, batch int) sample {
	batches := max(s.of(500_000)/batch, 1)
	oneBatch(batch) // warm
	watch := start()
	sum := uint64(0)
	for range batches {
		sum += oneBatch(batch)
	}
	return watch.stop(batches*batch, sum)
}

// oneBatch has a place for each result, as a join handle is one.
func oneBatch(batch int) uint64 {
	results := make([]uint64, batch)
	var done sync.WaitGroup
	done.Add(batch)
	for n := range batch {
		go func() {
			results[n] = uint64(n)
			done.Done()
		}()
	}
	done.Wait()
	sum := uint64(0)
	for _, n := range results {
		sum += n
	}
	return sum
}
