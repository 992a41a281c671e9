//go:build ignore

// Which scripts have the most letters? The data are Unicode's, which the standard library has.
//
//	hotcell run scripts.go
package main

import (
	"fmt"
	"slices"
	"unicode"

	"hotcell/display"
)

type script struct {
	Name    string `json:"script"`
	Letters int    `json:"letters"`
}

// letters counts those of a table. A range goes from Lo to Hi, in steps.
func letters(table *unicode.RangeTable) (n int) {
	for _, r := range table.R16 {
		for c := int(r.Lo); c <= int(r.Hi); c += int(r.Stride) {
			if unicode.IsLetter(rune(c)) {
				n++
			}
		}
	}
	for _, r := range table.R32 {
		for c := int(r.Lo); c <= int(r.Hi); c += int(r.Stride) {
			if unicode.IsLetter(rune(c)) {
				n++
			}
		}
	}
	return n
}

func main() {
	var all []script
	total := 0
	for name, table := range unicode.Scripts {
		s := script{name, letters(table)}
		all = append(all, s)
		total += s.Letters
	}
	slices.SortFunc(all, func(a, b script) int { return b.Letters - a.Letters })
	fmt.Printf("Unicode %s: %d letters in %d scripts, %.0f%% of them %s\n",
		unicode.Version, total, len(all), 100*float64(all[0].Letters)/float64(total), all[0].Name)

	next := all[1:11]
	for _, s := range next {
		fmt.Printf("%-20s %6d\n", s.Name, s.Letters)
	}
	err := display.VegaLite(map[string]any{
		"title": "Scripts with the most letters, after " + all[0].Name,
		"data":  map[string]any{"values": next},
		"mark":  "bar",
		"encoding": map[string]any{
			"y": map[string]any{"field": "script", "sort": nil, "title": "Script"},
			"x": map[string]any{"field": "letters", "type": "quantitative", "title": "Letters"},
		},
	})
	if err != nil {
		panic(err)
	}
}
