package main

import "fmt"

func addSpawn() {
	for _, batch := range []int{1_000, 100_000} {
		cells[fmt.Sprintf("scheduler/spawn-join/%d", batch)] = func(s scale) sample {
			return spawnJoin(s, batch)
		}
	}
}

// spawnJoin starts batches of goroutines that give a number each, and adds the numbers up.
func spawnJoin(s scale, batch int) sample {
	return batches(max(s.of(500_000)/batch, 1), batch, func() uint64 { return oneBatch(batch) })
}

// oneBatch has a place for each result, as a join handle is one; they are added up in order.
func oneBatch(batch int) uint64 {
	return inPairs(batch, func(n int) uint64 { return uint64(n) })
}
