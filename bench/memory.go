package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// pss is a process's proportional share of the memory that is in use: its own,
// and of each page that n processes share an n-th. In MB of 10⁶ bytes.
func pss(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return parsePSS(text)
}

func parsePSS(text []byte) (float64, error) {
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		rest, ok := strings.CutPrefix(s.Text(), "Pss:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64)
		if err != nil {
			return 0, fmt.Errorf("read a Pss of %q: %w", rest, err)
		}
		return kb * 1024 / 1e6, nil
	}
	return 0, fmt.Errorf("no Pss in %d bytes of smaps_rollup", len(text))
}

// familyPSS is the memory of a process and of everything that descends from it.
func familyPSS(root int) (float64, error) {
	children, err := childrenOf()
	if err != nil {
		return 0, err
	}
	total := 0.0
	for todo := []int{root}; len(todo) > 0; {
		pid := todo[0]
		todo = append(todo[1:], children[pid]...)
		mb, err := pss(pid)
		if err != nil {
			return 0, err
		}
		total += mb
	}
	return total, nil
}

// childrenOf maps every process to its children.
func childrenOf() (map[int][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended since
		}
		if parent, ok := parentIn(string(stat)); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	return children, nil
}

// parentIn reads the parent from /proc/PID/stat. The name before it, in
// parentheses, may hold anything.
func parentIn(stat string) (int, bool) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, false
	}
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}
