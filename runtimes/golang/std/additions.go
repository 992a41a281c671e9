package std

import "reflect"

// additions are the exported names of the standard library that the
// interpreter's tables, made for an earlier Go, don't have.
func additions() map[string]map[string]reflect.Value {
	return map[string]map[string]reflect.Value{}
}
