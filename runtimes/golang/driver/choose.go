package driver

import "reflect"

// operands is how many arguments say one operation of a select: the number of
// its clause, whether it sends, the channel, a pointer to the value, and one to
// whether a value came. A pointer that nobody needs is 0.
const operands = 5

// choose is select: it waits until an operation can go on, does it, and returns
// the number of its clause. With a clause for that, it doesn't wait. When user
// code is ended it returns 0, which is no clause's number.
func (k *kernel) choose(otherwise int, list ...any) int {
	cases := make([]reflect.SelectCase, 0, len(list)/operands+1)
	for at := 0; at < len(list); at += operands {
		c := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(list[at+2])}
		if send, _ := list[at+1].(bool); send {
			c.Dir, c.Send = reflect.SelectSend, reflect.ValueOf(list[at+3]).Elem()
		}
		cases = append(cases, c)
	}
	if otherwise != 0 {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectDefault})
	} else {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(k.engine.done)})
	}
	chosen, value, ok := reflect.Select(cases)
	if chosen == len(cases)-1 {
		return otherwise
	}
	op := list[chosen*operands:]
	if cases[chosen].Dir == reflect.SelectRecv {
		if to := reflect.ValueOf(op[3]); to.Kind() == reflect.Pointer {
			to.Elem().Set(value)
		}
		if came, isPointer := op[4].(*bool); isPointer {
			*came = ok
		}
	}
	clause, _ := op[0].(int)
	return clause
}
