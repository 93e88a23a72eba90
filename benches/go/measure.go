package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is what a cell's work took, once; the fields are those of benches/src/measure.rs.
type sample struct {
	Operations uint64  `json:"operations"`
	Checksum   uint64  `json:"checksum"`
	Value      float64 `json:"value"`
	CPU        float64 `json:"cpu"`
	PeakRSS    uint64  `json:"peak_rss"`
}

type stopwatch struct {
	wall time.Time
	cpu  int64
}

func start() stopwatch {
	return stopwatch{cpu: cpuNanos(), wall: time.Now()}
}

// stop tells nanoseconds per operation, of wall time and of CPU time.
func (w stopwatch) stop(operations int, checksum uint64) sample {
	wall := time.Since(w.wall).Nanoseconds()
	return w.stopWith(operations, checksum, float64(wall)/float64(operations))
}

// stopWith is stop for a cell that has measured something else than its wall time.
func (w stopwatch) stopWith(operations int, checksum uint64, value float64) sample {
	return sample{
		Operations: uint64(operations),
		Checksum:   checksum,
		Value:      value,
		CPU:        float64(cpuNanos()-w.cpu) / float64(operations),
		PeakRSS:    peakRSS(),
	}
}

// cpuNanos is the CPU time of this process, user and system.
func cpuNanos() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err.Error())
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// peakRSS is the most memory that this process had, in bytes; 0 where the system does not tell. Not Getrusage's: that one
// starts from what the parent had.
func peakRSS() uint64 { return proc("status", "VmHWM:") }

// resident is the memory that this process has, in bytes.
func resident() uint64 { return proc("smaps_rollup", "Rss:") }

// proc is a line of a file of this process, in bytes; 0 where there is none.
func proc(file, line string) uint64 {
	text, err := os.ReadFile("/proc/self/" + file)
	if err != nil {
		return 0
	}
	for _, found := range strings.Split(string(text), "\n") {
		fields := strings.Fields(found)
		if len(fields) >= 2 && fields[0] == line {
			kib, _ := strconv.ParseUint(fields[1], 10, 64)
			return kib * 1024
		}
	}
	return 0
}

// both does a tenth of the work first, to warm up, then measures all of it.
func both(count, operations int, work func(count int) uint64) sample {
	work(count / 10) // warm
	watch := start()
	sum := work(count)
	return watch.stop(operations, sum)
}

// batches does one batch first, to warm up, then measures so many, one after the other, each of so many operations.
func batches(count, each int, batch func() uint64) sample {
	batch() // warm
	watch := start()
	sum := uint64(0)
	for range count {
		sum += batch()
	}
	return watch.stop(count*each, sum)
}
