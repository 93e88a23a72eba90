// Go's side of the measurements: the same cells, by the same names, with the standard library only.
//
//	go-bench --list           names the cells
//	go-bench CELL [--quick]   does one once, and prints the sample as JSON, as `dormouse-bench work` does
//
// A cell does exactly what its Rust counterpart does (benches/src/cells): as many operations after the same warm-up, and the
// same checksum over the work. The one who runs both compares the checksums.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
)

// As many threads run goroutines as the other runtimes have workers.
const workers = 2

// scale of a run: a quick one does a fifth of the work.
type scale struct{ quick bool }

func (s scale) of(count int) int {
	if s.quick {
		return max(count/5, 1)
	}
	return count
}

var cells = map[string]func(scale) sample{}

func main() {
	runtime.GOMAXPROCS(workers)
	addSpawn()
	addScheduler()
	addMessages()
	addChannel()
	addSelect()
	addSync()
	addNet()
	addHTTP()
	args := os.Args[1:]
	if len(args) == 1 && args[0] == "--list" {
		list()
		return
	}
	if len(args) == 0 || len(args) > 2 || (len(args) == 2 && args[1] != "--quick") {
		fail("usage: go-bench --list | go-bench CELL [--quick]")
	}
	work, found := cells[args[0]]
	if !found {
		fail(fmt.Sprintf("no cell is called %q: --list names them", args[0]))
	}
	text, err := json.Marshal(work(scale{quick: len(args) == 2}))
	if err != nil {
		fail(err.Error())
	}
	fmt.Println(string(text))
}

func list() {
	names := make([]string, 0, len(cells))
	for name := range cells {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name)
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "go-bench:", why)
	os.Exit(2)
}
