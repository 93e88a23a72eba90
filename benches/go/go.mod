module dormouse-bench

go 1.22
