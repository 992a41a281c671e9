package main

import "fmt"

// What is run. The same code runs in hotcell and in ipykernel.
const (
	onePlusOne = "1+1"
	// imported is what "ready" means: both libraries can be used.
	imported = "import pandas, matplotlib.pyplot\n1+1"
	plotCode = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 4, 8])\nplt.show()"
)

// The flood: lines of 79 # and a newline, in writes of about 64 KiB.
const (
	floodLine   = 80
	floodBlock  = floodLine * 820
	floodBlocks = 800
	floodHashes = (floodLine - 1) * 820 * floodBlocks
	floodMB     = float64(floodBlock) * floodBlocks / 1e6
)

// floodCode writes no # itself: those of the output are counted.
func floodCode() string {
	return fmt.Sprintf("import sys\nblock = (chr(35) * %d + chr(10)) * %d\nfor _ in range(%d): sys.stdout.write(block)\n",
		floodLine-1, floodBlock/floodLine, floodBlocks)
}

// The fleet: contexts made at once, and the runs on them.
const (
	fleetSize = 50
	fleetRuns = 1000
)

// tinyRuns are one after another, each over a socket of its own.
const tinyRuns = 100
