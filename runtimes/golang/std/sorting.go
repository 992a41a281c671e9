package std

import (
	"cmp"
	"reflect"
	"slices"
	"sort"
)

// Sorting is compiled: interpreted, it takes seconds for what should take
// milliseconds. The names are unexported ones of package slices, which only
// the source in src/slices can use.
func sorting() map[string]map[string]reflect.Value {
	return map[string]map[string]reflect.Value{"slices/slices": {
		"sortOrdered": reflect.ValueOf(sortOrdered),
		"sortFunc":    reflect.ValueOf(func(x, compare any) { sort.Slice(x, lessBy(x, compare)) }),
		"sortStable":  reflect.ValueOf(func(x, compare any) { sort.SliceStable(x, lessBy(x, compare)) }),
	}}
}

// sortOrdered sorts a slice of an ordered type. The interpreter's named types
// are the types under them.
func sortOrdered(x any) {
	switch x := x.(type) {
	case []int:
		slices.Sort(x)
	case []int8:
		slices.Sort(x)
	case []int16:
		slices.Sort(x)
	case []int32:
		slices.Sort(x)
	case []int64:
		slices.Sort(x)
	case []uint:
		slices.Sort(x)
	case []uint8:
		slices.Sort(x)
	case []uint16:
		slices.Sort(x)
	case []uint32:
		slices.Sort(x)
	case []uint64:
		slices.Sort(x)
	case []uintptr:
		slices.Sort(x)
	case []float32:
		slices.Sort(x)
	case []float64:
		slices.Sort(x)
	case []string:
		slices.Sort(x)
	default:
		v := reflect.ValueOf(x) // of a compiled type, []time.Duration
		sort.Slice(x, func(i, j int) bool { return ordered(v.Index(i), v.Index(j)) })
	}
}

func ordered(a, b reflect.Value) bool {
	switch {
	case a.CanInt():
		return a.Int() < b.Int()
	case a.CanUint():
		return a.Uint() < b.Uint()
	case a.CanFloat():
		return cmp.Less(a.Float(), b.Float())
	default:
		return a.String() < b.String()
	}
}

// lessBy calls a comparison of any type.
func lessBy(x, compare any) func(i, j int) bool {
	v, f := reflect.ValueOf(x), reflect.ValueOf(compare)
	args := make([]reflect.Value, 2)
	return func(i, j int) bool {
		args[0], args[1] = v.Index(i), v.Index(j)
		return f.Call(args)[0].Int() < 0
	}
}
